/** See test/environment.cjs. */
module.exports = globalThis.requireOutside('onnxruntime-web/wasm');
