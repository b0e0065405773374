import { machineRoom } from './machine-room';
import type { Runtime } from './runtime';
import { createWasmRuntime } from './wasm';

/**
 * Takes the place of the native runtime in the command line of the Python package, which has no npm packages beside it:
 * onnxruntime-web in Node, its two files beside the bundle, with one thread.
 */
export const createNodeRuntime = (threads = 1): Runtime => {
  if (threads > 1) {
    throw new Error(
      `threads unavailable: ${threads} were asked for, and this command line runs on WebAssembly with one`
    );
  }
  const runtime = createWasmRuntime({
    wasm: new URL('./ort-wasm-simd-threaded.wasm', import.meta.url).href,
    mjs: new URL('./ort-wasm-simd-threaded.mjs', import.meta.url).href
  });
  return {
    ...runtime,
    room: () => [runtime.room(), machineRoom()].reduce((least, room) => (room.bytes < least.bytes ? room : least))
  };
};
