import type { Room } from './runtime';

/** Of a 32-bit WebAssembly memory. */
const WASM_BYTES = 4 * 2 ** 30;

/**
 * `held`: bytes of the weights that sessions hold. What runs left behind is used again, so the memory's size says nothing.
 * `budget`: bytes that the user lets a model take.
 */
export const wasmRoom = (held: number, budget = Infinity): Room => ({
  bytes: Math.max(0, Math.min(WASM_BYTES, budget) - held),
  of:
    budget < WASM_BYTES
      ? `of the ${(budget / 2 ** 30).toFixed(1)} GB that the settings allow`
      : "of WebAssembly's 4.0 GB"
});
