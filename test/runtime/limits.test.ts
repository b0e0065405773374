import { pathToFileURL } from 'node:url';

import { createWasmRuntime } from '../../src/runtime/wasm';
import { wasmRoom } from '../../src/runtime/wasm-room';

const asset = (file: string): string => pathToFileURL(require.resolve(`onnxruntime-web/${file}`)).href;
const ASSETS = { wasm: asset('ort-wasm-simd-threaded.wasm'), mjs: asset('ort-wasm-simd-threaded.mjs') };

test('threads are taken where memory can be shared, and only there', () => {
  expect(createWasmRuntime({ ...ASSETS, threads: 3 }).threads).toBe(1);
  Object.assign(globalThis, { crossOriginIsolated: true });
  expect(createWasmRuntime({ ...ASSETS, threads: 3 }).threads).toBe(3);
  expect(createWasmRuntime(ASSETS).threads).toBe(1);
  Object.assign(globalThis, { crossOriginIsolated: false });
});

test('memory is what a model may take', () => {
  const runtime = createWasmRuntime({ ...ASSETS, memory: 2 ** 29 });
  expect(runtime.room()).toEqual({ bytes: 2 ** 29, of: 'of the 0.5 GB that the settings allow' });
  expect(wasmRoom(2 ** 30, 2 ** 29).bytes).toBe(0);
  expect(wasmRoom(0, 2 ** 40).bytes).toBe(2 ** 32);
});
