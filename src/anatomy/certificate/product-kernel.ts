import { PRODUCTS_WASM } from './products-wasm';

/** What the module exports (`native/products.c`); pointers are byte offsets. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  add_rows(count: number, width: number, x: number, weight: number, out: number): void;
  dot_rows(count: number, width: number, x: number, weight: number, out: number): void;
}

/** Room of the module for a product's numbers. */
export interface ProductKernel extends Pick<Exports, 'add_rows' | 'dot_rows'> {
  readonly memory: ArrayBuffer;
  /** Byte offsets of rows that are multiplied, of their products, and of a piece of the weight. */
  readonly x: number;
  readonly out: number;
  readonly weight: number;
}

/** In front of it lies the module's own stack. */
const START = 2 ** 17;
const PAGE = 2 ** 16;

let exports: Exports | undefined;

/** Room for so many numbers, those of x and of the product in double precision. */
export const productKernel = (x: number, out: number, weight: number): ProductKernel => {
  exports ??= start();
  const { memory, add_rows, dot_rows } = exports;
  const ends = [START + 8 * x, START + 8 * (x + out), START + 8 * (x + out) + 4 * weight];
  const missing = ends[2] - memory.buffer.byteLength;
  if (missing > 0) {
    memory.grow(Math.ceil(missing / PAGE));
  }
  return { memory: memory.buffer, x: START, out: ends[0], weight: ends[1], add_rows, dot_rows };
};

const start = (): Exports => {
  const bytes = Uint8Array.from(atob(PRODUCTS_WASM), char => char.charCodeAt(0));
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as Exports;
};
