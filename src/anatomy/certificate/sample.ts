import type { Numbers } from '../../onnx/numbers';
import { multiply } from './multiply';

/** Which rows of a product x · W + b are multiplied: of [rows, width], x and the product alike. */
export type Sample = (x: Numbers, width: number) => Numbers;

export const everyRow: Sample = x => x;

const STEP = 5;

/** Every fifth row, three of a probe's fourteen and some of both sequences: for what is bent behind the product. */
export const fewRows: Sample = (x, width) => {
  const picked = Array.from({ length: Math.ceil(x.length / width / STEP) }, (_, i) => i * STEP);
  const out = new Float64Array(picked.length * width);
  picked.forEach((row, i) => out.set(x.subarray(row * width, (row + 1) * width), i * width));
  return out;
};

/** Of so few rows a mixture could all but lose one; they are taken as they are. */
const MOST_UNMIXED = 3;

/**
 * One mixture of all rows, Σ r_i = 1, so that it is a row of x · W + b again and a bias counts once. Wrong rows show for all r but a set of
 * measure 0 (Freivalds 1977).
 */
export const mixture: Sample = (x, width) => {
  const rows = x.length / width;
  if (rows <= MOST_UNMIXED) {
    return x;
  }
  const factors = Float64Array.from(mixingFactors(rows));
  return multiply({
    x: factors,
    weight: x,
    from: rows,
    to: width,
    transposed: false,
    ranges: [[0, width]],
    bias: undefined
  });
};

/**
 * r: ± by the bits of Thue and Morse, ½ to 1 in size by multiples of the golden ratio, moved to a sum of 1, so that no row counts for
 * nothing, or for much more than another.
 */
const mixingFactors = (rows: number): readonly number[] => {
  const signed = Array.from({ length: rows }, (_, row) => (odd(row) ? -1 : 1) * (0.5 + ((row * GOLDEN) % 1) / 2));
  const rest = (1 - signed.reduce((sum, factor) => sum + factor, 0)) / rows;
  return signed.map(factor => factor + rest);
};

const GOLDEN = (1 + Math.sqrt(5)) / 2;

const odd = (row: number): boolean => row > 0 && (row % 2 === 1) !== odd(Math.floor(row / 2));
