import jupyter from '@jupyter/eslint-plugin';
import tseslint from 'typescript-eslint';

/**
 * The sentence of the architecture as a table: folder → folders it may import, folders whose types it may import, and
 * outside packages. Everything not named is forbidden. One loop below turns it into lint rules.
 */
const LAYERS = {
  maths: { imports: [], types: [], packages: ['fflate'] },
  onnx: { imports: [], types: [], packages: [] },
  graph: { imports: ['onnx'], types: [], packages: [] },
  anatomy: { imports: ['graph', 'onnx'], types: [], packages: [] },
  gradient: { imports: ['graph', 'onnx'], types: [], packages: [] },
  surgery: { imports: ['gradient', 'anatomy', 'graph', 'onnx'], types: [], packages: [] },
  tokens: { imports: [], types: [], packages: ['@huggingface/tokenizers'] },
  runtime: {
    imports: ['onnx'],
    types: [],
    packages: ['onnxruntime-web/wasm', 'onnxruntime-node', 'onnxruntime-common', 'node:os']
  },
  subject: {
    imports: ['surgery', 'gradient', 'anatomy', 'graph', 'onnx', 'tokens', 'maths'],
    types: ['runtime'],
    packages: ['@noble/hashes/*']
  },
  figures: { imports: ['maths'], types: [], packages: [], packageTypes: ['plotly.js'] },
  analyses: { imports: ['figures', 'maths'], types: ['subject', 'anatomy', 'tokens', 'onnx'], packages: [] },
  report: { imports: ['analyses', 'figures'], types: ['subject', 'anatomy', 'worker'], packages: ['ajv'] },
  worker: { imports: ['analyses', 'subject', 'runtime'], types: ['anatomy', 'report', 'tokens'], packages: [] },
  ui: {
    imports: ['report', 'figures', 'worker'],
    types: ['analyses', 'subject', 'anatomy', 'tokens'],
    packages: ['@jupyterlab/*', '@lumino/*', 'plotly.js/*', 'plotly.js']
  },
  plugins: {
    imports: ['ui', 'report', 'worker', 'analyses', 'figures', 'subject'],
    types: ['anatomy'],
    packages: ['@jupyterlab/*', '@lumino/*']
  },
  cli: {
    imports: ['report', 'analyses', 'figures', 'subject', 'runtime', 'onnx'],
    types: ['anatomy', 'tokens'],
    packages: ['node:*']
  }
};

const FOLDERS = Object.keys(LAYERS);

/** Node's own modules are for the command line and the native runtime alone. */
const layerRule = folder => {
  const { imports, types, packages, packageTypes = [] } = LAYERS[folder];
  const patterns = [];
  for (const other of FOLDERS) {
    if (other === folder || imports.includes(other)) {
      continue;
    }
    patterns.push({
      regex: `^(\\.\\./)+${other}(/|$)`,
      allowTypeImports: types.includes(other),
      message: `${folder}/ may not import ${other}/${types.includes(other) ? ' except its types' : ''} (table in eslint.config.mjs).`
    });
  }
  const escaped = packages.map(name => name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&').replace(/\\\*/g, '.*'));
  const allowed = escaped.length ? `(?!(?:${escaped.join('|')})$)` : '';
  const typed = packageTypes.map(name => name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
  if (typed.length) {
    patterns.push({
      regex: `^(?:${typed.join('|')})$`,
      allowTypeImports: true,
      message: `${folder}/ may import only types of this package.`
    });
  }
  const notTyped = typed.length ? `(?!(?:${typed.join('|')})$)` : '';
  patterns.push({
    regex: `^(?!\\.)${allowed}${notTyped}.+`,
    message: `${folder}/ may not import this package (table in eslint.config.mjs).`
  });
  return {
    files: [`src/${folder}/**/*.ts`],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] }
  };
};

export default tseslint.config(
  {
    ignores: [
      'lib/',
      'node_modules/',
      '.env/',
      '.cache/',
      'jupyterlab_orrery/labextension/',
      'jupyterlab_orrery/cli/',
      'ui-tests/test-results/',
      'ui-tests/playwright-report/',
      'dist/',
      'build/'
    ]
  },
  ...tseslint.configs.recommended,
  {
    files: ['src/plugins/**/*.ts', 'src/ui/**/*.ts'],
    plugins: { jupyter },
    rules: Object.assign({}, ...jupyter.configs.recommended.map(({ rules }) => rules))
  },
  {
    rules: {
      curly: 'error',
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }]
    }
  },
  ...FOLDERS.map(layerRule),
  {
    files: ['**/*.cjs', '**/*.mjs', 'scripts/**', 'bench/**'],
    rules: { '@typescript-eslint/no-require-imports': 'off', 'no-console': 'off' }
  }
);
