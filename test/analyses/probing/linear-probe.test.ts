import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { profileRows, type Profile } from '../../../src/analyses/geometry/profile';
import { sentences } from '../../../src/analyses/probing/grammar';
import { LEXICON, withS } from '../../../src/analyses/probing/lexicon';
import { grammarRows, userRows } from '../../../src/analyses/probing/labelled-rows';
import { linearProbe } from '../../../src/analyses/probing/linear-probe';
import { bootstrapInterval, controlLabels, onlineCode, probe } from '../../../src/analyses/probing/probe-fit';
import { splitPoints } from '../../../src/analyses/probing/split-points';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { matrix } from '../../../src/maths/matrix';
import { codelength, portions } from '../../../src/maths/online-code';
import type { Subject } from '../../../src/subject/subject';
import { lcg } from '../../maths/lcg';
import { open, run } from '../circuits/lens';
import { context, fakeSubject } from '../fake-subject';
import { MODELS, oracle } from '../geometry/oracle';

interface Expected {
  readonly rows: readonly string[];
  readonly classes: readonly string[];
  readonly places: readonly { readonly accuracy: number; readonly bits: number }[];
}

const { families } = oracle<{ families: Record<string, { probe: Expected }> }>();

const now = async (): Promise<void> => undefined;

test.each(MODELS)('%s/%s.onnx: accuracy and codelength as by scikit-learn', async (family, style) => {
  const subject = await open(family, style);
  const { rows, classes, places } = families[family].probe;
  const result = await run(linearProbe, subject, { task: 'rows', rows: rows.join('\n'), split: 'last', c: 0.1 });
  const [accuracy, low, high, , , bits, compression] = profileRows(result.values);
  expect(result.classes.map(({ label }) => label)).toEqual(classes);
  const total = result.facts.train + result.facts.test;
  places.forEach((expected, place) => {
    // No word of these stands on the boundary of two classes.
    expect(Math.abs(accuracy[place] - expected.accuracy)).toBeLessThan(1e-6);
    // Both stop where the gradient is small; the stream differs by 1e-6.
    expect(Math.abs(bits[place] / expected.bits - 1)).toBeLessThan(1e-4);
    expect(compression[place]).toBeCloseTo((total * Math.log2(classes.length)) / expected.bits, 3);
    expect(low[place] <= accuracy[place] && accuracy[place] <= high[place] && low[place] < high[place]).toBe(true);
  });
  expect(result.unconverged).toBe(0);
  await subject.close();
});

describe('online code', () => {
  test('a uniform probe costs n · log₂ K exactly', () => {
    expect(codelength(7, 8, Array(93).fill(-Math.log(8)))).toBeCloseTo(300, 10);
    expect(codelength(100, 4, [])).toBe(200);
  });

  test('portions begin where 10 labels and every class are there, and end with all', () => {
    const labels = Array.from({ length: 1000 }, (_, i) => i % 4);
    expect(portions(labels, 4)).toEqual([16, 32, 63, 125, 250, 500, 1000]);
    const late = labels.map((_, i) => Number(i > 300));
    expect(portions(late, 2)).toEqual([500, 1000]);
    expect(portions([0, 0, 0, 1], 2)).toEqual([4]);
  });

  test('labels that the points say nothing about cost about as much as uniform ones', async () => {
    const stream = lcg(4);
    const [n, classes] = [400, 4];
    const points = matrix(
      n,
      3,
      Array.from({ length: n * 3 }, () => stream.normal())
    );
    const labels = Array.from({ length: n }, () => Math.floor(stream.uniform() * classes));
    const bits = await onlineCode(points, { labels, classes }, 0.1, now);
    expect(bits / (n * 2)).toBeGreaterThan(0.97);
    expect(bits / (n * 2)).toBeLessThan(1.06);
    // Labels that are in the points cost a fraction.
    const told = matrix(
      n,
      4,
      labels.flatMap(label => [0, 1, 2, 3].map(k => Number(k === label)))
    );
    expect(await onlineCode(told, { labels, classes }, 10, now)).toBeLessThan(n * 2 * 0.25);
  });
});

describe('control task and interval', () => {
  test('a word has one label, drawn as often as labels occur', () => {
    const words = Array.from({ length: 4000 }, (_, i) => `w${i % 2000}`);
    const labels = words.map((_, i) => Number(i % 10 === 0));
    const control = controlLabels(words, labels, 3);
    expect(control.slice(0, 2000)).toEqual(control.slice(2000));
    const share = control.reduce((sum, value) => sum + value, 0) / 4000;
    // Binomial: 0.1 ± 0.0067.
    expect(Math.abs(share - 0.1)).toBeLessThan(0.027);
    expect(controlLabels(words, labels, 4)).not.toEqual(control);
  });

  test('the interval of a share over independent texts is the binomial one', () => {
    const right = Array.from({ length: 400 }, (_, i) => i % 4 !== 0);
    const [low, high] = bootstrapInterval(
      right,
      right.map((_, i) => i),
      1
    );
    // 0.75 ± 1.96 · √(0.75 · 0.25/400) = ± 0.0424.
    expect(Math.abs(low - 0.7076)).toBeLessThan(0.012);
    expect(Math.abs(high - 0.7924)).toBeLessThan(0.012);
    expect(bootstrapInterval([true, true], [0, 0], 1)).toEqual([1, 1]);
  });

  test('coordinates that do not vary in training do no harm', async () => {
    const points = matrix(4, 2, [5, 0, 5, 1, 5, 0, 9, 1]);
    const scores = await probe(points, { classes: 2, labels: [0, 1, 0, 1], train: [0, 1, 2], test: [3] }, 1);
    expect(scores).toMatchObject({ accuracy: 1, converged: true });
  });
});

/** Splits at spaces; 'ship' is two tokens, 'sh' and 'ip'. */
const tokenised = (): Subject => {
  const pieces = (text: string) =>
    [...text.matchAll(/\S+/g)].flatMap(({ 0: word, index }) =>
      word === 'ship'
        ? [
            [index, index + 2],
            [index + 2, index + 4]
          ]
        : [[index, index + word.length]]
    );
  const encode = (text: string) => {
    const tokens = [[0, 0], ...pieces(text)].map(([start, end], id) => ({
      id,
      label: text.slice(start, end),
      start,
      end
    }));
    return { ids: tokens.map(({ id }) => id), tokens };
  };
  const tokens = { vocabularySize: 50, specialIds: [0], encode, decode: () => '', label: (id: number) => `t${id}` };
  const fake = fakeSubject({ layers: 1, heads: 1 });
  return {
    ...fake,
    tokens,
    input: ({ text, ids }) => ({
      ids: ids ?? encode(text!).ids,
      labels: (ids ?? encode(text!).ids).map(String),
      bos: true
    })
  };
};

/** Plurals of the grammar. */
const NOUNS = new Set(LEXICON.noun.map(withS));

describe('labelled rows', () => {
  test('a word’s point is its last token, behind the special one; words without a label are context', () => {
    const { points, texts } = userRows(tokenised(), 'The/D ship/N sails\nbig/A ships\tplural\n');
    expect(texts.map(({ ids }) => ids.length)).toEqual([5, 3]);
    expect(points).toEqual([
      { row: 0, position: 1, label: 'D', word: 'the' },
      { row: 0, position: 3, label: 'N', word: 'ship' },
      { row: 1, position: 2, label: 'plural', word: 'big/a ships' }
    ]);
  });

  test('the grammar’s sentences differ, are drawn by the seed, and hold many words, some of two classes', () => {
    const drawn = sentences(200, 5);
    expect(sentences(200, 5)).toEqual(drawn);
    expect(sentences(200, 6)).not.toEqual(drawn);
    const texts = drawn.map(sentence => sentence.map(({ word }) => word).join(' '));
    expect(new Set(texts).size).toBe(200);
    const classes = new Map<string, Set<string>>();
    drawn
      .flat()
      .forEach(({ word, labels }) =>
        classes.set(word, (classes.get(word) ?? new Set()).add(labels['part-of-speech']!))
      );
    expect([...classes.values()].filter(one => one.size > 1).length).toBeGreaterThan(40);
    expect(classes.size).toBeGreaterThan(700);
    const { points } = grammarRows(tokenised(), 'part-of-speech', 20, 5);
    expect(points.length).toBe(sentences(20, 5).flat().length);
  });

  test('labels of the grammar: number is that of the subject’s noun, on words that do not show it; cases and places', () => {
    const drawn = sentences(400, 9);
    for (const sentence of drawn) {
      const number = sentence.findIndex(({ labels }) => labels.number !== undefined);
      if (number >= 0) {
        // The subject is the last noun of the main clause that is a subject before it, and the verb comes after.
        const before = sentence
          .slice(0, number)
          .filter(({ labels }) => labels.case === 'subject' && labels.depth === '0');
        const { word } = before[before.length - 1];
        expect(sentence[number].labels.number).toBe(/s$/.test(word) && NOUNS.has(word) ? 'several' : 'one');
      }
      sentence.forEach(({ word, labels }, at) => {
        expect(labels.position ?? String(at + 1).padStart(2, '0')).toBe(String(at + 1).padStart(2, '0'));
        expect(labels.case === undefined).toBe(!['noun', 'pronoun'].includes(labels['part-of-speech']!));
        if (labels.case === 'behind a preposition') {
          const part = sentence
            .slice(0, at)
            .reverse()
            .find(one => !['determiner', 'adjective'].includes(one.labels['part-of-speech']!));
          expect(part!.labels['part-of-speech']).toBe('preposition');
        }
        expect(word).toMatch(/^[a-z]+$/);
      });
    }
    const numbers = drawn.flat().flatMap(({ labels }) => labels.number ?? []);
    const share = numbers.filter(one => one === 'one').length / numbers.length;
    // Binomial over 400 subjects: 0.5 ± 0.025.
    expect(Math.abs(share - 0.5)).toBeLessThan(0.1);
  });

  test.each([
    ['', "field 'rows' has 0 rows, 1 to 1000 are read"],
    ['a\tb\tc', "row 1 of 'rows' has more than one tab"],
    ['\tb', "row 1 of 'rows' needs a text, a tab and a label"],
    ['a\t', "row 1 of 'rows' needs a text, a tab and a label"]
  ])('%j is refused', (rows, message) => {
    expect(() => userRows(tokenised(), rows)).toThrow(message);
  });

  test('without a tokenizer words must be ids, and the grammar is refused', () => {
    const bare = fakeSubject({ layers: 1, heads: 1 });
    expect(userRows(bare, '3/A 4 5/B').points.map(({ position, label }) => [position, label])).toEqual([
      [0, 'A'],
      [2, 'B']
    ]);
    expect(() => userRows(bare, '3/A b/B')).toThrow("row 1 of 'rows' holds 'b'");
    expect(() => grammarRows(bare, 'case', 20, 1)).toThrow(
      'no tokenizer: the words of the grammar cannot be matched with tokens'
    );
  });
});

describe('labelled tables', () => {
  const cells = (text: string) =>
    userRows(tokenised(), text).points.map(({ row, position, label, word }) => [row, position, label, word]);

  test('CSV with text and label: the last token; with word: the last token of that word; one text runs once', () => {
    expect(cells('text;label\nIt sinks, slowly;bad\n')).toEqual(cells('text,label\n"It sinks, slowly",bad\n'));
    expect(cells('text,label\n"The ship, sails",good\nIt sinks,bad\n')).toEqual([
      [0, 3, 'good', 'the ship, sails'],
      [1, 2, 'bad', 'it sinks']
    ]);
    const table = 'label,text,word\nV,The ship sails,sails\nN,The ship sails,ship\nD,a dog,a\n';
    expect(cells(table)).toEqual([
      [0, 3, 'N', 'ship'],
      [0, 4, 'V', 'sails'],
      [1, 1, 'D', 'a']
    ]);
    expect(userRows(tokenised(), table).texts.length).toBe(2);
  });

  test('a word a row: rows of a sentence make its text, words without a label are context', () => {
    expect(cells('sentence,word,label\n1,The,D\n1,ship,N\n1,sails,\n2,a,D\n')).toEqual([
      [0, 1, 'D', 'the'],
      [0, 3, 'N', 'ship'],
      [1, 1, 'D', 'a']
    ]);
  });

  test('the tables of docs/probing.md are read', () => {
    const page = readFileSync(join(__dirname, '../../../docs/probing.md'), 'utf8');
    const tables = [...page.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block.replaceAll(/^ {4}/gm, ''));
    expect(tables.map(table => cells(table).map(([, , label, word]) => `${word}/${label}`))).toEqual([
      ['ship/N', 'sails/V'],
      ['ship/N']
    ]);
  });

  test('JSON Lines; numbers and booleans are labels, null is none', () => {
    const lines = ['{"text": "The ship", "label": 1}', '{"text": "a dog", "label": true, "word": null}'];
    expect(cells(lines.join('\n'))).toEqual([
      [0, 3, '1', 'the ship'],
      [1, 2, 'true', 'a dog']
    ]);
  });

  test('without a tokenizer cells hold ids', () => {
    const bare = fakeSubject({ layers: 1, heads: 1 });
    const found = userRows(bare, 'text,label,word\n3 4 5,A,4\n6 7,B,\n').points;
    expect(found.map(({ row, position, label }) => [row, position, label])).toEqual([
      [0, 1, 'A'],
      [1, 1, 'B']
    ]);
  });

  test('a first line that names no columns is words with labels', () => {
    expect(userRows(tokenised(), 'a,b/D label/N').points.map(({ label }) => label)).toEqual(['D', 'N']);
  });

  test.each([
    ['text,label\nThe ship\n', 'labelled table: row 1 has 1 cells where 2 columns are named'],
    ['text,label\n', 'labelled table: 0 rows'],
    ['text,label\nThe ship,\n', 'labelled table: row 1 needs a text and a label'],
    ['text,label,split\na,b,c\n', "labelled table: its first line has 'split'"],
    ['sentence,label\na,b\n', 'labelled table: its first line has sentence, label, columns are'],
    ['text,label,word\nThe ship,N,dog\n', "row 1: 'dog' is not in its text"],
    ['text,label,word\na dog a,N,a\n', "row 1: 'a' is in its text more than once"],
    ['text,label\n"The ship,N\n', 'labelled table: a quote that is opened in row 2 is not closed'],
    ['sentence,word,label\n1,a,D\n2,b,N\n1,c,V\n', "row 3 goes on with sentence '1', whose other rows stand apart"],
    ['sentence,word,label\n1,a b,D\n', 'row 1 needs a sentence, a word without spaces'],
    ['{"text": "a"', 'row 1 is not JSON'],
    ['{"text": "a", "label": [1]}', "row 1 has a list of 1 in 'label'"],
    ['{"text": "a", "label": "b"}\n[1]', 'row 2 must be an object'],
    ['{"text": "a", "label": "b", "__proto__x": 1}', "row 1 has '__proto__x'"]
  ])('%j is refused', (table, message) => {
    expect(() => userRows(tokenised(), table)).toThrow(message);
  });

  test('more texts or rows than are read are refused quickly', () => {
    const many = Array.from({ length: 50000 }, (_, i) => `${i % 7},A`).join('\n');
    expect(() => userRows(tokenised(), `text,label\n${many}`)).toThrow(
      'labelled table: 40001 rows, 1 to 40000 are read'
    );
    const texts = Array.from({ length: 1001 }, (_, i) => `t${i},A`).join('\n');
    expect(() => userRows(tokenised(), `text,label\n${texts}`)).toThrow('1001 different texts, at most 1000');
  });
});

describe('splits', () => {
  const rows = {
    texts: Array.from({ length: 30 }, () => ({ ids: [1], labels: ['a'], bos: false })),
    points: Array.from({ length: 90 }, (_, i) => ({
      row: Math.floor(i / 3),
      position: i % 3,
      label: String(i % 2),
      word: `w${i % 15}`
    }))
  };

  test('by texts: a third of them, all of a text on one side; by words: none of the test is trained on', () => {
    for (const split of ['random', 'last', 'words'] as const) {
      const { order, test: tested } = splitPoints(rows, split, 4);
      expect([...order].sort((a, b) => a - b)).toEqual(rows.points.map((_, at) => at));
      expect(tested.filter(Boolean).length).toBe(30);
      const side = (wanted: boolean, of: 'row' | 'word') =>
        new Set(order.filter((_, at) => tested[at] === wanted).map(at => rows.points[at][of]));
      const key = split === 'words' ? 'word' : 'row';
      side(true, key).forEach(one => expect(side(false, key).has(one as never)).toBe(false));
    }
    expect(splitPoints(rows, 'words', 4)).toEqual(splitPoints(rows, 'words', 4));
    expect(splitPoints(rows, 'words', 5)).not.toEqual(splitPoints(rows, 'words', 4));
    expect(splitPoints(rows, 'last', 4).order).toEqual(rows.points.map((_, at) => at));
  });
});

test('more points than can be held are refused before anything runs', async () => {
  const wide = fakeSubject({ layers: 1, heads: 1 });
  const subject = { ...wide, tower: { ...wide.tower, dModel: 2 ** 27 } };
  await expect(run(linearProbe, subject, { task: 'rows', rows: '1/A 2/B' })).rejects.toThrow(
    'sample too large: 2 points of 2 places'
  );
});

describe('refusals', () => {
  const subject = fakeSubject({
    layers: 1,
    heads: 1,
    tensor: (_, ids) => ({ dims: [ids.length, 2], data: Float32Array.from(ids.flatMap(id => [id, 1])) })
  });
  test.each([
    ['1/A 2/A\n3/A', 'the labels have 1 classes, it needs 2 to 32'],
    ['1/A 2/A\n3/A\n4/B', 'the 3 training words have 1 of 2 labels, and there are 1 test words'],
    ['1/A 2/B', 'there are 0 test words; give more texts']
  ])('%j', async (rows, message) => {
    await expect(run(linearProbe, subject, { task: 'rows', rows, split: 'last' })).rejects.toThrow(message);
  });
});

test('a run on a fixture: selectivity is accuracy less control; seeds draw splits; a cancel is heard', async () => {
  const subject = await open('gpt2', 'optimum');
  const rows = families.gpt2.probe.rows.join('\n');
  const at = async (seed: number) =>
    (await linearProbe.compute(
      subject,
      validateSpec(linearProbe, { task: 'rows', rows, codelength: false }),
      context,
      seed
    )) as { values: Profile };
  const [a, b, c] = [await at(1), await at(1), await at(2)];
  expect(a).toEqual(b);
  expect(a.values.data).not.toBe(c.values.data);
  const [accuracy, , , control, selectivity, bits] = profileRows(a.values);
  accuracy.forEach((value, i) => expect(selectivity[i]).toBeCloseTo(value - control[i], 6));
  expect(bits.every(Number.isNaN)).toBe(true);
  const stop = new AbortController();
  const progress = ({ label }: { label: string }): void =>
    void (label === 'place 2 of 3' && setTimeout(() => stop.abort()));
  await expect(
    linearProbe.compute(
      subject,
      validateSpec(linearProbe, { task: 'rows', rows }),
      { signal: stop.signal, progress },
      0
    )
  ).rejects.toThrow(/abort/);
  await subject.close();
});

test('what the sample strains is said: dependent points, few for the width, a control of unknown words', async () => {
  const subject = await open('gpt2', 'optimum');
  const { rows } = families.gpt2.probe;
  const breaks = async (given: object): Promise<readonly string[] | undefined> =>
    (await run(linearProbe, subject, { task: 'rows', codelength: false, ...given })).breaks;
  const all = await breaks({ rows: rows.join('\n') });
  expect(all?.[0]).toMatch(/^\d+ points of \d+ texts are not independent$/);
  expect(all?.some(one => one.includes('the control can only guess'))).toBe(false);
  const words = await breaks({ rows: rows.join('\n'), split: 'words' });
  expect(words).toContain('no word of the test was trained on, so that the control can only guess');
  const few = await breaks({ rows: rows.slice(0, 3).join('\n') });
  expect(few?.some(one => / training points in \d+ dimensions: many probes fit/.test(one))).toBe(true);
  await subject.close();
});
