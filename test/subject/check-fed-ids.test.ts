import type { Anatomy } from '../../src/anatomy/anatomy';
import { checkFedIds } from '../../src/subject/inputs/check-fed-ids';

/** A decoder of ten ids and four positions. */
const towers = [{ name: 'decoder', embedding: { ids: 'decoder_input_ids', rows: 10 }, maxPositions: 4 }];
const check = (ids: readonly number[]): void =>
  checkFedIds({ towers } as unknown as Anatomy, {
    decoder_input_ids: { dims: [1, ids.length], type: 'int64', data: BigInt64Array.from(ids, BigInt) }
  });

test('the first and the last id of a vocabulary, and as many as there are positions', () => {
  expect(() => check([0, 9, 0, 9])).not.toThrow();
});

test.each([
  [[1, 10], "id out of vocabulary: 10 at position 1 of 'decoder_input_ids', the decoder's ids are 0 to 9"],
  [[-1], "id out of vocabulary: -1 at position 0 of 'decoder_input_ids', the decoder's ids are 0 to 9"],
  [[1, 1, 1, 1, 1], "ids too long: 'decoder_input_ids' has 5, the decoder has 4 positions"],
  [[], "ids empty: 'decoder_input_ids' is [1, 0], no token to run"]
])('%j is refused', (ids, why) => {
  expect(() => check(ids)).toThrow(new Error(why));
});
