import type { WorkerPort } from './worker-port';
import type { RuntimeAssets } from './protocol';

/** The bundler turns each URL into an asset's with its content hash; a call between keeps it from making its own worker. */
const moduleWorker = (url: URL): WorkerPort => new Worker(url, { type: 'module' });

export const createModelWorker = (): WorkerPort => moduleWorker(new URL('./model.worker.js', import.meta.url));

export const runtimeAssets = (): RuntimeAssets => ({
  wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.wasm', import.meta.url).href,
  mjs: new URL('onnxruntime-web/ort-wasm-simd-threaded.mjs', import.meta.url).href
});
