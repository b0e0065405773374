import { sentences } from '../../../src/analyses/probing/grammar';
import { grammarRows, userRows } from '../../../src/analyses/probing/labelled-rows';
import { LEXICON, withS } from '../../../src/analyses/probing/lexicon';
import { fakeSubject } from '../fake-subject';
import { tokenised } from './tokenised';

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
