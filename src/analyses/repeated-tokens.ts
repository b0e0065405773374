import type { Random } from '../maths/random';

/**
 * `batch` sequences of `length` random ids repeated once: [a b c … a b c …]. The ids of one block differ from each other
 * where the vocabulary allows, so that each token of the second half has one earlier self.
 */
export function repeatedTokens(
  random: Random,
  vocabulary: readonly number[],
  batch: number,
  length: number
): number[][] {
  return Array.from({ length: batch }, () => {
    const block = vocabulary.length >= length ? distinct(random, vocabulary, length) : any(random, vocabulary, length);
    return [...block, ...block];
  });
}

function distinct(random: Random, vocabulary: readonly number[], length: number): number[] {
  const drawn = new Set<number>();
  while (drawn.size < length) {
    // Fisher–Yates would copy the vocabulary; drawing again is cheap unless the block nearly fills it.
    drawn.add(vocabulary[random.below(vocabulary.length)]);
  }
  return [...drawn];
}

function any(random: Random, vocabulary: readonly number[], length: number): number[] {
  return Array.from({ length }, () => vocabulary[random.below(vocabulary.length)]);
}
