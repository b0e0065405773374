import * as ort from 'onnxruntime-web/wasm';

import { ortRuntime } from './ort-runtime';
import type { Runtime } from './runtime';
import { wasmRoom } from './wasm-room';

/** URLs of onnxruntime-web's two files. */
export interface WasmAssets {
  readonly wasm: string;
  readonly mjs: string;
}

/**
 * ONNX Runtime in WebAssembly: in a web worker, or in Node with file: URLs. One thread, since pages of JupyterLab are
 * not cross-origin isolated. The module is loaded on the first preparation; a second call with other assets has no
 * effect on a module already loaded.
 */
export const createWasmRuntime = (assets: WasmAssets): Runtime => {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = { wasm: assets.wasm, mjs: assets.mjs };
  ort.env.logLevel = 'fatal';
  return ortRuntime(ort, {
    name: 'wasm',
    version: `onnxruntime-web ${ort.env.versions.web}`,
    room: wasmRoom,
    options: { executionProviders: ['wasm'], logSeverityLevel: 4 }
  });
};
