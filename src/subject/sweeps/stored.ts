import type { Tensor } from '../../onnx/tensor';

/** A hook's values of all prompts, token by token: [prompt, pos, …]. */
export interface Stored {
  /** Sizes behind the positions. */
  readonly token: readonly number[];
  /** Numbers of a token. */
  readonly width: number;
  readonly data: Float32Array;
}

/** Of a captured hook [prompt or 1, pos, …]; one row for all is repeated. */
export const stored = ({ dims, data }: Tensor, prompts: number): Stored => {
  const token = dims.slice(2);
  const width = token.reduce((product, size) => product * size, 1);
  const one = data as Float32Array;
  if (dims[0] === prompts) {
    return { token, width, data: one };
  }
  const all = new Float32Array(one.length * prompts);
  for (let prompt = 0; prompt < prompts; prompt++) {
    all.set(one, prompt * one.length);
  }
  return { token, width, data: all };
};

/** Rows of a sweep: the prompt that each one is of, and the positions at which it differs from it. */
export interface Batch {
  readonly prompts: readonly number[];
  readonly active: readonly (readonly number[])[];
}

export const tokenCount = ({ active }: Batch): number => active.reduce((sum, positions) => sum + positions.length, 0);

/** Calls `visit` for each stretch of neighbouring positions: its first, how many there are, and how many came before it. */
const stretches = (
  positions: readonly number[],
  visit: (first: number, count: number, before: number) => void
): void => {
  for (let at = 0; at < positions.length;) {
    let end = at + 1;
    while (end < positions.length && positions[end] === positions[end - 1] + 1) {
      end++;
    }
    visit(positions[at], end - at, at);
    at = end;
  }
};

/** The active tokens' stored values, one after the other, written to `packed`. `rowOf`: which row of `length` tokens they are in. */
const gathered = (
  data: Float32Array,
  { width, length }: { readonly width: number; readonly length: number },
  active: Batch['active'],
  rowOf: (row: number) => number,
  packed: Float32Array
): Float32Array => {
  let at = 0;
  active.forEach((positions, row) => {
    stretches(positions, (first, count, before) => {
      const from = (rowOf(row) * length + first) * width;
      packed.set(data.subarray(from, from + count * width), at + before * width);
    });
    at += positions.length * width;
  });
  return packed;
};

/** The active tokens' stored values, one after the other: [token, width]. */
export const gatherTokens = ({ width, data }: Stored, batch: Batch, length: number): Float32Array => {
  const packed = new Float32Array(tokenCount(batch) * width);
  return gathered(data, { width, length }, batch.active, row => batch.prompts[row], packed);
};

/** Memory that is used again, by name, in powers of two: large arrays cost as much to get as to fill. Its numbers are those of the last use. */
export type Scratch = (name: string, size: number) => Float32Array<ArrayBuffer>;

export const createScratch = (): Scratch => {
  const kept = new Map<string, Float32Array<ArrayBuffer>>();
  return (name, size) => {
    const found = kept.get(name);
    const array =
      found && found.length >= size ? found : new Float32Array(2 ** Math.ceil(Math.log2(Math.max(1, size))));
    kept.set(name, array);
    return array.subarray(0, size);
  };
};

/** All tokens of the rows, [row, pos, width], written to `grid`: the prompts' own, the active ones from `packed`. */
export const gridOf = (
  { width, data }: Stored,
  { prompts, active }: Batch,
  length: number,
  packed: Float32Array | undefined,
  grid: Float32Array
): Float32Array => {
  const size = length * width;
  let at = 0;
  prompts.forEach((prompt, row) => {
    grid.set(data.subarray(prompt * size, (prompt + 1) * size), row * size);
    if (packed) {
      stretches(active[row], (first, count, before) => {
        const from = at + before * width;
        grid.set(packed.subarray(from, from + count * width), row * size + first * width);
      });
      at += active[row].length * width;
    }
  });
  return grid;
};

/** Tokens at `active` out of a grid [row, pos, width], written to `packed`. */
export const fromGrid = (
  grid: Float32Array,
  active: Batch['active'],
  length: number,
  width: number,
  packed: Float32Array
): Float32Array => gathered(grid, { width, length }, active, row => row, packed);

/** The values of `batch`'s active tokens at the positions of `wider`, which has them and others; those are the prompts' own. */
export const widened = (
  store: Stored,
  batch: Batch,
  packed: Float32Array,
  wider: Batch,
  length: number
): Float32Array => {
  if (wider.active.every((positions, row) => sameNumbers(positions, batch.active[row]))) {
    return packed;
  }
  const { width } = store;
  const out = gatherTokens(store, wider, length);
  let [from, to] = [0, 0];
  wider.active.forEach((positions, row) => {
    const places = new Map(batch.active[row].map((position, index) => [position, index]));
    for (const position of positions) {
      const index = places.get(position);
      if (index !== undefined) {
        out.set(packed.subarray((from + index) * width, (from + index + 1) * width), to * width);
      }
      to++;
    }
    from += batch.active[row].length;
  });
  return out;
};

const sameNumbers = (a: readonly number[], b: readonly number[]): boolean =>
  a === b || (a.length === b.length && a.every((value, at) => value === b[at]));
