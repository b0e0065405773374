const { TestEnvironment } = require('jest-environment-node');

const ARRAYS = ['Int8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array'].concat([
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array'
]);

/**
 * jest gives each test file a realm of its own; ONNX Runtime compares constructors of typed arrays, and its native
 * library remembers the first Tensor class of the process. So both of its packages are loaded once, outside, and the
 * tests share the outer realm's typed arrays.
 */
module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    for (const name of ARRAYS) {
      this.global[name] = globalThis[name];
    }
    this.global.requireOutside = id => require(id);
  }
};
