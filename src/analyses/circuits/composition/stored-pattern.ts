import type { ResultTensor } from '../../result';
import { encodeTensor } from '../../tensor-codec';

/** One head's pattern as a result holds it: [query, key] of the first positions, (stored / 255)². */
export type StoredPattern = ResultTensor & { readonly dtype: 'uint8' };

/** Positions that are drawn. */
const MOST_DRAWN = 96;

export function storedPattern(pattern: ArrayLike<number>, length: number): StoredPattern {
  const size = Math.min(length, MOST_DRAWN);
  const bytes = Uint8Array.from({ length: size ** 2 }, (_, at) =>
    Math.round(255 * Math.sqrt(pattern[Math.floor(at / size) * length + (at % size)]))
  );
  return {
    ...encodeTensor({ dims: ['query', 'key'], shape: [size, size], scale: 'square-root' }, bytes),
    dtype: 'uint8'
  };
}
