// The licence texts of everything that the worker, the command line and the labextension carry inside.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './environment.mjs';

/** Text for packages that come without one, taken from their repositories. */
const texts = join(root, 'scripts', 'licences');
const FILE = /^(licen[cs]e|copying|notice|third.?party)/i;
/** The runtime's glue is a file beside the bundles, and the builder's own list names what it put in. */
const ALWAYS = ['onnxruntime-web'];

/** Compiled into src/maths/eigen-wasm.ts by native/build.mjs. */
const COMPILED = [
  { name: 'Eigen', version: '3.4.0', license: 'MPL-2.0', url: 'https://gitlab.com/libeigen/eigen', text: 'eigen.txt' },
  {
    name: 'Emscripten',
    version: '3.1.6',
    license: 'MIT',
    url: 'https://github.com/emscripten-core/emscripten',
    text: 'emscripten.txt'
  }
];

const HEAD = `# Third-party notices

jupyterlab-orrery carries the packages below inside its files. Each stands under its own licence, repeated here in full.
`;

/** Text of THIRD_PARTY_NOTICES.md. Throws when a package's licence text is not known. */
export function notices(bundled) {
  const names = [...new Set([...bundled, ...ALWAYS])].sort();
  return [HEAD, ...COMPILED.map(compiled), ...names.map(notice)].join('\n');
}

const compiled = ({ text, ...about }) => entry(about, readFileSync(join(texts, text), 'utf8'));

function notice(path) {
  const folder = join(root, 'node_modules', path);
  const { name, version, license, repository } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const url = typeof repository === 'string' ? repository : repository?.url;
  return entry({ name, version, license, url }, licenceText(name, folder));
}

function entry({ name, version, license, url }, text) {
  const head = `## ${name} ${version}\n\nLicence: ${license ?? 'see below'}${url ? ` · ${url}` : ''}\n`;
  return `${head}\n\`\`\`\`text\n${text.trim()}\n\`\`\`\`\n`;
}

function licenceText(name, folder) {
  const own = join(texts, `${name.replace('/', '__')}.txt`);
  if (existsSync(own)) {
    return readFileSync(own, 'utf8');
  }
  const files = readdirSync(folder).filter(file => FILE.test(file));
  if (files.length === 0) {
    throw new Error(`licence text missing: package '${name}' has none, so write it to '${own}'`);
  }
  return files.map(file => readFileSync(join(folder, file), 'utf8')).join('\n\n');
}

/** Packages among esbuild's inputs: 'a/node_modules/b/lib/x.js' → 'a/node_modules/b', as paths under node_modules/. */
export const packagesOf = inputs => new Set(inputs.map(packageOf).filter(Boolean));

function packageOf(input) {
  const found = /^.*?node_modules\/((?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(input);
  return found?.[1];
}
