import type { Builder } from '../src/graph/build';

export const WEIGHTS_FILE = 'model.onnx_data';

/** Hands out views on one file of weights. */
export interface Store {
  readonly bytes: Uint8Array;
  /** An initialiser of random values, or filled with `fill`. */
  take(b: Builder, name: string, dims: readonly number[], fill?: number): string;
}

/** Of this many numbers. */
export const createStore = (count: number): Store => {
  const floats = new Float32Array(count);
  const next = uniform(7);
  let at = 0;
  return {
    bytes: new Uint8Array(floats.buffer),
    take: (b, name, dims, fill) => {
      const from = at;
      at += dims.reduce((count, dim) => count * dim, 1);
      if (at > floats.length) {
        throw new Error(`weight '${name}' does not fit into the file`);
      }
      for (let i = from; i < at; i++) {
        floats[i] = fill ?? next();
      }
      const entries = Object.entries({
        location: WEIGHTS_FILE,
        offset: String(from * 4),
        length: String((at - from) * 4)
      });
      const data = { kind: 'external', entries: entries.map(([key, value]) => ({ key, value })) } as const;
      return b.initializer({ name, dims, dataType: 1, data, unknown: new Uint8Array(0) });
    }
  };
};

/** xorshift32; mean 0, standard deviation 0.02. */
const uniform = (seed: number): (() => number) => {
  const scale = (0.02 * Math.sqrt(12)) / 2 ** 32;
  return () => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed * scale;
  };
};
