const { TestEnvironment } = require('jest-environment-jsdom');

/** What browsers have and jsdom lacks, taken from Node. */
const FROM_NODE = [
  'AbortController',
  'AbortSignal',
  'structuredClone',
  'TextEncoder',
  'TextDecoder',
  'Blob',
  'CompressionStream',
  'DecompressionStream',
  'ReadableStream',
  'Response'
];

module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    FROM_NODE.forEach(name => (this.global[name] = globalThis[name]));
    this.global.Uint8Array = Uint8Array;
    // What JupyterLab's packages ask for while they load.
    this.global.DragEvent = class extends this.global.Event {};
  }
};
