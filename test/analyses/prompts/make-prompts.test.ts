import Ajv from 'ajv/dist/2020';
import { activationPatching } from '../../../src/analyses/patching/activation-patching';
import { directLogitAttribution } from '../../../src/analyses/circuits/attribution/direct-logit-attribution';
import { jsonSchema } from '../../../src/analyses/spec/json-schema';
import { cleanOnly, measuredPrompts } from '../../../src/analyses/patching/measured-prompts';
import { makePrompts } from '../../../src/analyses/prompts/make-prompts';
import { PROMPT_SETS } from '../../../src/analyses/prompts/sets';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { fakeSubject } from '../fake-subject';
import { wordSubject } from './word-subject';

const WAYS = PROMPT_SETS.flatMap(({ id, counterfactuals }) =>
  Object.keys(counterfactuals).map(way => [id, way] as const)
);

test('each set has two counterfactuals or more', () => {
  PROMPT_SETS.forEach(({ counterfactuals }) => expect(Object.keys(counterfactuals).length).toBeGreaterThanOrEqual(2));
});

describe.each(WAYS)('%s, %s', (set, counterfactual) => {
  const subject = wordSubject();
  const request = { set, counterfactual, n: 12, seed: 3 };

  test('all of one length, different, with answers of one token that are not equal', () => {
    const measured = measuredPrompts(subject, request, 'logit-diff', true);
    expect(measured.length).toBe(12);
    expect(new Set(measured.map(({ clean }) => clean.ids.length)).size).toBe(1);
    expect(new Set(measured.map(({ clean, corrupted }) => [clean.ids, corrupted.ids].join('/'))).size).toBe(12);
    measured.forEach(({ correct, wrong }) => {
      expect(correct.length).toBeGreaterThan(0);
      expect(wrong.length).toBeGreaterThan(0);
    });
  });

  test('the second corruption is another of the same prompt', () => {
    const second = makePrompts(subject, request).prompts;
    const ways = Object.keys(PROMPT_SETS.find(({ id }) => id === set)!.counterfactuals);
    const next = ways[(ways.indexOf(counterfactual) + 1) % ways.length];
    const first = makePrompts(subject, { ...request, counterfactual: next }).prompts;
    expect(second.map(({ clean, corrupted2 }) => [clean, corrupted2])).toEqual(
      first.map(({ clean, corrupted }) => [clean, corrupted])
    );
  });

  test('equal seeds give equal prompts, others do not', () => {
    expect(makePrompts(subject, request)).toEqual(makePrompts(wordSubject(), request));
    expect(makePrompts(subject, { ...request, seed: 4 }).prompts).not.toEqual(makePrompts(subject, request).prompts);
  });
});

describe('what the corruptions do', () => {
  const subject = wordSubject();
  const made = (set: string, counterfactual: string, n = 40) =>
    makePrompts(subject, { set, counterfactual, n }).prompts;
  const times = (text: unknown, word: string): number => String(text).split(new RegExp(`${word}\\b`)).length - 1;

  test('ioi: flip names the other person twice, abc nobody twice; both orders are there', () => {
    for (const { clean, corrupted, answer } of made('ioi', 'flip')) {
      const [io, s] = [answer!.correct![0] as string, answer!.wrong![0] as string];
      expect([times(clean, io), times(clean, s), times(corrupted, io), times(corrupted, s)]).toEqual([1, 2, 2, 1]);
    }
    const abc = made('ioi', 'abc');
    abc.forEach(({ corrupted, answer }) => {
      expect(times(corrupted, answer!.correct![0] as string) + times(corrupted, answer!.wrong![0] as string)).toBe(0);
    });
    const first = abc.map(
      ({ clean, answer }) =>
        String(clean).indexOf(answer!.correct![0] as string) < String(clean).indexOf(answer!.wrong![0] as string)
    );
    expect(new Set(first)).toEqual(new Set([true, false]));
  });

  test('greater-than: two digits where they are a token, the tens where digits are', () => {
    const [two] = made('greater-than', 'first');
    const year = Number(/(\d\d) to the year/.exec(String(two.clean))![1]);
    expect(two.answer!.correct!.map(Number)).toEqual(Array.from({ length: 99 - year }, (_, at) => year + 1 + at));
    expect(two.answer!.wrong!.map(Number)).toEqual(Array.from({ length: year + 1 }, (_, at) => at));
    expect(String(two.corrupted)).toContain('01 to the year');
    const [one] = makePrompts(wordSubject({ digits: 1 }), { set: 'greater-than' }).prompts;
    const tens = Number(/(\d)\d to the year/.exec(String(one.clean))![1]);
    expect([...one.answer!.wrong!, ...one.answer!.correct!].map(Number)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter(digit => digit !== tens)
    );
  });

  test('induction: the answer follows what came before, and not in the corrupted version', () => {
    for (const { clean, corrupted, answer } of [...made('induction', 'successor'), ...made('induction', 'fresh')]) {
      const [before, after] = [clean, corrupted].map(ids => {
        const all = [...(ids as readonly number[])];
        return all[all.indexOf(all[all.length - 1]) + 1];
      });
      expect(before).toBe(answer!.correct![0]);
      expect(after).not.toBe(answer!.correct![0]);
    }
  });

  test('docstring: the third of five arguments, after two are described', () => {
    for (const { clean, answer } of made('docstring', 'random-definition', 5)) {
      const [, named] = /self, (.*)\)/.exec(String(clean))!;
      const names = named.split(', ').map(name => ` ${name}`);
      expect(answer!.correct).toEqual([names[2]]);
      expect(answer!.wrong).toEqual(names.filter((_, at) => at !== 2));
    }
  });
});

describe('the tokenizer in hand', () => {
  test('says how many words fell out, and leaves them out', () => {
    const broken = (word: string): boolean => ['Mary', 'John', 'store'].includes(word);
    const { prompts, words } = makePrompts(wordSubject({ broken }), { set: 'ioi', n: 60 });
    expect(words[0]).toEqual({ kind: 'names', kept: 70, of: 72 });
    expect(words.map(({ kind }) => kind)).toEqual(['names', 'places', 'objects']);
    expect(JSON.stringify(prompts)).not.toMatch(/Mary|John|store/);
  });

  test('nothing that survives is one sentence', () => {
    const none = wordSubject({ broken: word => word.length > 2 });
    expect(() => makePrompts(none, { set: 'ioi' })).toThrow(
      "prompt set empty: none of the 72 names of 'ioi' are single tokens of 'fake', at least 5 are needed"
    );
    const one = wordSubject({ broken: word => /^[A-Z]/.test(word) && word !== 'Mary' });
    expect(() => makePrompts(one, { set: 'ioi' })).toThrow('1 of the 72 names of');
    expect(() => measuredPrompts(none, { set: 'pronoun' }, 'logit-diff', true)).toThrow('prompt set empty');
  });

  test('without a tokenizer only induction is made', () => {
    const plain = fakeSubject({ layers: 2, heads: 2, vocabulary: 100 });
    expect(() => makePrompts(plain, { set: 'capitals' })).toThrow(
      "prompt set needs a tokenizer: 'capitals' is made of words, and 'fake'"
    );
    expect(makePrompts(plain, { set: 'induction' }).prompts.length).toBe(8);
    expect(() => makePrompts(fakeSubject({ layers: 2, heads: 2, vocabulary: 8 }), { set: 'induction' })).toThrow(
      "prompt set empty: 'fake' has 8 tokens and any number of positions, 'induction' needs 9 tokens and 9 positions"
    );
  });

  test('few tokens or positions make shorter blocks', () => {
    const few = makePrompts(fakeSubject({ layers: 2, heads: 2, vocabulary: 100, maxPositions: 9 }), {
      set: 'induction'
    });
    expect(few.prompts.map(({ clean }) => clean.length)).toEqual(Array(8).fill(6));
  });

  test('a clean run alone reads no corrupted version', () => {
    const [one] = measuredPrompts(wordSubject(), cleanOnly({ set: 'ioi' }), 'logit-diff', false);
    expect(one.corrupted).toBe(one.clean);
  });
});

const SPECS: readonly unknown[] = [
  { set: 'ioi' },
  { set: 'ioi', counterfactual: 'abc', n: 256, seed: 2 ** 32 - 1 },
  { set: 'capitals', counterfactual: 'thing' },
  { set: 'capitals', counterfactual: 'abc' },
  { set: 'ioj' },
  { set: 7 },
  { set: ['ioi'] },
  { set: 'ioi', n: 0 },
  { set: 'ioi', n: 257 },
  { set: 'ioi', n: 1.5 },
  { set: 'ioi', seed: -1 },
  { set: 'ioi', clean: 'a' },
  { n: 3 },
  {}
];

test('a spec’s set: JSON Schema and validator agree', () => {
  const schema = new Ajv({ strict: false }).compile(jsonSchema(activationPatching.spec));
  const accepted = SPECS.map(prompts => {
    try {
      return Boolean(validateSpec(activationPatching, { prompts }));
    } catch {
      return false;
    }
  });
  expect(SPECS.map(prompts => schema({ prompts }))).toEqual(accepted);
  expect(accepted).toEqual([true, true, true, ...Array<boolean>(11).fill(false)]);
});

test.each<readonly [object, string]>([
  [
    { set: 'ioj' },
    "field 'prompts.set' must be one of 'auto', 'ioi', 'greater-than', 'induction', 'docstring', 'agreement', 'capitals', 'pronoun', got 'ioj'"
  ],
  [
    { set: 'ioi', counterfactual: 'noun' },
    "field 'prompts.counterfactual' must be one of 'flip', 'abc', 'third' for the set 'ioi', got 'noun'"
  ],
  [{ set: 'ioi', n: 0 }, "field 'prompts.n' must be an integer from 1 to 256, got 0"]
])('a spec with %j is refused by name', (prompts, message) => {
  expect(() => validateSpec(directLogitAttribution, { prompts })).toThrow(message);
});
