import { readInput } from '../../src/subject/inputs/input';
import type { Tokens } from '../../src/tokens/tokens';

/** One id a letter, its place in the alphabet; 0 in front. */
const letters: Tokens = {
  vocabularySize: 27,
  bosId: 0,
  specialIds: [0],
  encode: text => {
    const ids = text === '' ? [] : [0, ...[...text].map(char => char.charCodeAt(0) - 96)];
    return { ids, tokens: [] };
  },
  decode: ids => ids.map(id => String.fromCharCode(id + 96)).join(''),
  label: id => (id === 0 ? '<s>' : String.fromCharCode(id + 96))
};
const limits = { vocabularySize: 27, maxPositions: 5 };

test('text becomes ids and labels', () => {
  expect(readInput({ text: 'abc' }, letters, limits, { label: 'm' })).toEqual({
    ids: [0, 1, 2, 3],
    labels: ['<s>', 'a', 'b', 'c'],
    bos: true
  });
});

test('ids are their own labels without a tokenizer', () => {
  expect(readInput({ ids: [3, 0] }, undefined, limits, { label: 'm' })).toEqual({
    ids: [3, 0],
    labels: ['3', '0'],
    bos: false
  });
});

test('ids that begin with the beginning of a sequence say so', () => {
  expect(readInput({ ids: [0, 1] }, letters, limits, { label: 'm' }).bos).toBe(true);
  expect(readInput({ ids: [1, 0] }, letters, limits, { label: 'm' }).bos).toBe(false);
});

test.each([
  [
    'text without a tokenizer',
    { text: 'a' },
    undefined,
    "no tokenizer: 'm' has no tokenizer.json beside it, so give ids instead of text"
  ],
  ['empty text', { text: '' }, letters, 'text empty: no token to run'],
  ['no ids', { ids: [] }, letters, 'ids empty: no token to run'],
  ['long text', { text: 'abcdef' }, letters, 'text too long: text has 7 tokens, the model has 5 positions'],
  ['many ids', { ids: [1, 1, 1, 1, 1, 1] }, letters, 'ids too long: there are 6 ids, the model has 5 positions'],
  ['id outside', { ids: [1, 27] }, letters, "id out of vocabulary: 27 at position 1, the model's ids are 0 to 26"],
  ['negative id', { ids: [-1] }, letters, 'id out of vocabulary: -1 at position 0'],
  ['fractional id', { ids: [0.5] }, letters, 'id out of vocabulary: 0.5 at position 0']
])('refuses %s', (_, input, tokens, message) => {
  expect(() => readInput(input, tokens, limits, { label: 'm' })).toThrow(message);
});
