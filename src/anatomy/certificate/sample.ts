import type { Ranges } from './multiply';

/** What is multiplied of a product x · W + b: some rows or one mixture of them, some columns. */
export interface Sample {
  /** Of [rows, width]; x and the product alike. */
  readonly rows: (x: Float64Array, width: number) => Float64Array;
  /** Of a product of this width, in order. */
  readonly columns: (width: number) => Ranges;
}

const allColumns = (width: number): Ranges => [[0, width]];

export const EVERYTHING: Sample = { rows: x => x, columns: allColumns };

const STEP = 5;

/** Every fifth row, three of a probe's fourteen and some of both sequences: for what is bent behind the product. */
export const FEW_ROWS: Sample = {
  rows: (x, width) => {
    const picked = Array.from({ length: Math.ceil(x.length / width / STEP) }, (_, i) => i * STEP);
    const out = new Float64Array(picked.length * width);
    picked.forEach((row, i) => out.set(x.subarray(row * width, (row + 1) * width), i * width));
    return out;
  },
  columns: allColumns
};

/**
 * One mixture of all rows, Σ r_i = 1, so that it is a row of x · W + b again and a bias counts once (Freivalds 1977: a wrong row shows for
 * all r but a set of measure 0), and of every `period` columns a quarter, each time another one.
 */
export const mixture = (period: number): Sample => ({
  rows: mixRows,
  columns: width => quarters(width, period)
});

/** Of so few rows a mixture could all but lose one; they are taken as they are. */
const MOST_UNMIXED = 3;

const mixRows = (x: Float64Array, width: number): Float64Array => {
  const rows = x.length / width;
  if (rows <= MOST_UNMIXED) {
    return x;
  }
  const factors = mixingFactors(rows);
  const out = new Float64Array(width);
  factors.forEach((factor, row) => {
    const from = row * width;
    for (let i = 0; i < width; i++) {
      out[i] += factor * x[from + i];
    }
  });
  return out;
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

/** Columns that are read in one run at least: those of a line of the cache. */
const RUN = 16;
const PARTS = 4;

const quarters = (width: number, most: number): Ranges => {
  const period = Math.min(width, most);
  const run = Math.min(period, Math.max(RUN, Math.ceil(period / PARTS)));
  const places = Math.max(1, Math.floor(period / run));
  return Array.from({ length: Math.ceil(width / period) }, (_, at) => {
    const start = at * period + (at % places) * run;
    return [Math.min(start, Math.max(at * period, width - run)), Math.min(start + run, width)] as const;
  });
};

/** The columns of each row of [rows, width]. */
export const pickColumns = (x: Float64Array, width: number, ranges: Ranges): Float64Array => {
  const each = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  const out = new Float64Array((x.length / width) * each);
  let at = 0;
  for (let row = 0; row < x.length; row += width) {
    for (const [start, end] of ranges) {
      out.set(x.subarray(row + start, row + end), at);
      at += end - start;
    }
  }
  return out;
};
