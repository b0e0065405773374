/** Stands in for `worker-url.ts`, whose `import.meta` CommonJS lacks. */
export const createModelWorker = (): never => {
  throw new Error('no worker in this test');
};

export const runtimeAssets = (): { wasm: string; mjs: string } => ({ wasm: 'ort.wasm', mjs: 'ort.mjs' });
