/** See test/environment.cjs. */
module.exports = globalThis.requireOutside('onnxruntime-node');
