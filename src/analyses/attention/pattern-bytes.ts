import { byteOf } from '../../figures/atlas-bytes';
import type { Sides } from '../../maths/pool';
import { maxPool } from '../../maths/pool';
import type { ResultTensor } from '../result';
import { deflateTensor } from '../tensor-codec';

/** One layer's patterns, or differences of patterns [head, query_pos, key_pos]. */
export interface PatternLayer {
  /** Queries, and keys where these are not others. */
  readonly length: number;
  /** Keys of another sequence. */
  readonly keys?: number;
  readonly weights: Float32Array;
}

/** Patterns as they are saved: of sides that are less than their lengths where they were pooled (groups of `poolEdges`). */
export interface PackedPatterns {
  /** [layer, head, query_pos, key_pos] */
  readonly values: ResultTensor & { readonly dtype: 'uint8' };
  /** Rows of a stored pattern. */
  readonly size: number;
}

/** Exact cells are saved up to here; larger ones as thumbnails. */
const EXACT_HEADS = 100;
const EXACT_TOKENS = 128;
const THUMBNAIL_SIDES = [32, 24, 16, 12, 8] as const;
/** Of a few heads of a long text more is kept. */
const FEW_HEADS = 4;
const DETAILED_SIDES = [512, 256, 128, 64] as const;
/** Base64 characters of the saved patterns: half of an output's 300 kB, the rest is for picture, page and text. */
const LONGEST_DATA = 150_000;

/** As bytes on a square-root scale, the largest side that fits the budget; of a group the cell of the largest size. */
export async function packPatterns(
  patterns: readonly PatternLayer[],
  heads: readonly number[],
  signed: boolean
): Promise<PackedPatterns> {
  const [{ length, keys = length }] = patterns;
  let smallest: PackedPatterns | undefined;
  for (const side of sidesOf(patterns.length * heads.length, Math.max(length, keys))) {
    const [size, across] = [Math.min(side, length), Math.min(side, keys)];
    const shape = [patterns.length, heads.length, size, across];
    const dims = ['layer', 'head', 'query_pos', 'key_pos'];
    const scale = signed ? 'signed-square-root' : 'square-root';
    const unit = signed ? 'difference of attention weights' : 'attention weight';
    const values = await deflateTensor({ dims, shape, unit, scale }, quantise(patterns, heads, [size, across], signed));
    smallest = { values: { ...values, dtype: 'uint8' }, size };
    if (values.data.length <= LONGEST_DATA) {
      return smallest;
    }
  }
  return smallest!;
}

function sidesOf(heads: number, length: number): ReadonlySet<number> {
  const exact = heads <= EXACT_HEADS && length <= EXACT_TOKENS;
  const detailed = heads <= FEW_HEADS && length > EXACT_TOKENS;
  const sides = [...(detailed ? DETAILED_SIDES : []), ...THUMBNAIL_SIDES].map(side => Math.min(side, length));
  return new Set([...(exact ? [length] : []), ...sides]);
}

function quantise(
  patterns: readonly PatternLayer[],
  heads: readonly number[],
  sides: Sides,
  signed: boolean
): Uint8Array {
  const bytes = new Uint8Array(patterns.length * heads.length * sides[0] * sides[1]);
  let at = 0;
  for (const { weights, length, keys = length } of patterns) {
    for (const head of heads) {
      const own = weights.subarray(head * length * keys, (head + 1) * length * keys);
      for (const weight of maxPool(own, [length, keys], sides)) {
        bytes[at++] = byteOf(weight, signed);
      }
    }
  }
  return bytes;
}
