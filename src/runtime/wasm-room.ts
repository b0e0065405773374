import type { Room } from './runtime';

/** Of a 32-bit WebAssembly memory. */
const WASM_BYTES = 4 * 2 ** 30;

/** `held`: bytes of the weights that sessions hold. What runs left behind is used again, so the memory's size says nothing. */
export const wasmRoom = (held: number): Room => ({
  bytes: Math.max(0, WASM_BYTES - held),
  of: "of WebAssembly's 4.0 GB"
});
