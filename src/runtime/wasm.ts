import * as ort from 'onnxruntime-web/wasm';

import { ortRuntime } from './ort-runtime';
import type { Runtime } from './runtime';
import { wasmRoom } from './wasm-room';

/** URLs of onnxruntime-web's two files, and what the user lets it take. */
export interface WasmAssets {
  readonly wasm: string;
  readonly mjs: string;
  /** More than one has effect only where memory can be shared: in pages that are cross-origin isolated. */
  readonly threads?: number;
  /** Bytes that a model may take. */
  readonly memory?: number;
}

/**
 * ONNX Runtime in WebAssembly: in a web worker, or in Node with file: URLs. One thread, unless more are asked for and the
 * page is cross-origin isolated (pages of JupyterLab are not by themselves). The module is loaded on the first preparation; a second call with other assets has no
 * effect on a module already loaded.
 */
export const createWasmRuntime = (assets: WasmAssets): Runtime => {
  const threads = globalThis.crossOriginIsolated === true ? (assets.threads ?? 1) : 1;
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = { wasm: assets.wasm, mjs: assets.mjs };
  ort.env.logLevel = 'fatal';
  return ortRuntime(ort, {
    name: 'wasm',
    version: `onnxruntime-web ${ort.env.versions.web}`,
    threads,
    room: held => wasmRoom(held, assets.memory),
    options: { executionProviders: ['wasm'], logSeverityLevel: 4 }
  });
};
