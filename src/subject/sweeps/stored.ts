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

/** The active tokens' stored values, one after the other: [token, width]. */
export const gatherTokens = ({ width, data }: Stored, { prompts, active }: Batch, length: number): Float32Array => {
  const packed = new Float32Array(tokenCount({ prompts, active }) * width);
  let at = 0;
  prompts.forEach((prompt, row) =>
    active[row].forEach(position => {
      const from = (prompt * length + position) * width;
      packed.set(data.subarray(from, from + width), at);
      at += width;
    })
  );
  return packed;
};

/** Memory that is used again, by name: large arrays cost as much to get as to fill. Its numbers are those of the last use. */
export const createScratch = (): ((name: string, size: number) => Float32Array) => {
  const kept = new Map<string, Float32Array>();
  return (name, size) => {
    const found = kept.get(name);
    const array = found && found.length >= size ? found : new Float32Array(size);
    kept.set(name, array);
    return array.subarray(0, size);
  };
};

/** All tokens of the rows, [row, pos, width], written to `grid`: the prompts' own, the active ones from `packed`. */
export const gridOf = (
  store: Stored,
  batch: Batch,
  length: number,
  packed: Float32Array | undefined,
  grid: Float32Array
): Float32Array => {
  const { width, data } = store;
  const size = length * width;
  batch.prompts.forEach((prompt, row) => grid.set(data.subarray(prompt * size, (prompt + 1) * size), row * size));
  let at = 0;
  batch.active.forEach((positions, row) => {
    for (const position of packed ? positions : []) {
      grid.set(packed!.subarray(at, at + width), row * size + position * width);
      at += width;
    }
  });
  return grid;
};

/** Tokens at `active` out of a grid [row, pos, width]. */
export const fromGrid = (
  grid: Float32Array,
  active: readonly (readonly number[])[],
  length: number,
  width: number
): Float32Array => {
  const count = active.reduce((sum, positions) => sum + positions.length, 0);
  const packed = new Float32Array(count * width);
  let at = 0;
  active.forEach((positions, row) =>
    positions.forEach(position => {
      const from = (row * length + position) * width;
      packed.set(grid.subarray(from, from + width), at);
      at += width;
    })
  );
  return packed;
};

/** The values of `batch`'s active tokens at the positions of `wider`, which has them and others; those are the prompts' own. */
export const widened = (
  store: Stored,
  batch: Batch,
  packed: Float32Array,
  wider: Batch,
  length: number
): Float32Array => {
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
