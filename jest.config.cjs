const esModules = [
  '@jupyterlab',
  '@jupyter',
  '@lumino',
  '@huggingface',
  '@noble',
  'lib0',
  'nanoid',
  'y-',
  'yjs',
  'exenv-es6',
  '@codemirror',
  '@lezer',
  '@microsoft',
  'marked',
  'style-mod',
  'crelt',
  'w3c-keyname',
  '@marijn'
].join('|');

module.exports = {
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testEnvironment: '<rootDir>/test/environment.cjs',
  extensionsToTreatAsEsm: [],
  moduleNameMapper: {
    '\\.(css|svg)$': '<rootDir>/test/style-stub.cjs',
    '^onnxruntime-web/wasm$': '<rootDir>/test/outside/onnxruntime-web.cjs',
    '^onnxruntime-node$': '<rootDir>/test/outside/onnxruntime-node.cjs',
    '.*/worker/worker-url$': '<rootDir>/test/worker/worker-url-stub.ts'
  },
  transform: {
    '^.+\\.[cm]?[jt]sx?$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } }
    ]
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules}))`],
  modulePathIgnorePatterns: ['<rootDir>/jupyterlab_orrery/labextension', '<rootDir>/lib', '<rootDir>/.env'],
  // Every core: the default leaves one idle, half of a small machine.
  maxWorkers: '100%',
  testTimeout: 60000
};
