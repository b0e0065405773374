// npm run build: TypeScript → lib/, the worker, the command line, the Python package's data, the labextension.
// A step whose inputs did not change since its last success is skipped (.cache/build.json).
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { checkNode, digest, ensurePackages, refuse, root, say } from './environment.mjs';

const at = (...parts) => join(root, ...parts);
const python = (...parts) => at('jupyterlab_orrery', ...parts);
const RUNTIME_FILES = ['ort-wasm-simd-threaded.wasm', 'ort-wasm-simd-threaded.mjs'];
/** onnxruntime-web's glue as a file of its own, not inside the bundle. */
const WEB = { conditions: ['onnxruntime-web-use-extern-wasm'], minify: true, sourcemap: true };
const CLI = {
  entryPoints: [at('src/cli/orrery.ts')],
  platform: 'node',
  target: 'node20',
  // Packages in CommonJS ask for require, which an ES module does not have.
  banner: {
    js: "import { createRequire as orreryRequire } from 'node:module';\nconst require = orreryRequire(import.meta.url);"
  }
};

const NOTICES = ['.', 'jupyterlab_orrery', 'jupyterlab_orrery/labextension'].map(
  folder => `${folder}/THIRD_PARTY_NOTICES.md`
);
const SOURCES = ['src', 'tsconfig.json', 'package.json', 'package-lock.json', 'scripts/build.mjs'];
const steps = [
  { name: 'types', inputs: SOURCES, outputs: ['lib/index.js'], make: compile },
  {
    name: 'worker',
    inputs: SOURCES,
    outputs: ['lib/worker/model.worker.js'],
    make: () =>
      bundle({ ...WEB, entryPoints: [at('src/worker/model.worker.ts')], outfile: at('lib/worker/model.worker.js') })
  },
  {
    name: 'labextension',
    inputs: [...SOURCES, 'style', 'schema', 'webpack.config.cjs'],
    outputs: ['jupyterlab_orrery/labextension/package.json'],
    make: labextension
  },
  {
    name: 'command line',
    inputs: SOURCES,
    outputs: ['lib/cli/orrery.mjs'],
    make: () => bundle({ ...CLI, external: ['onnxruntime-node'], outfile: at('lib/cli/orrery.mjs') })
  },
  {
    name: 'Python package',
    inputs: SOURCES,
    outputs: ['jupyterlab_orrery/analyses.json', 'jupyterlab_orrery/schema.json', 'jupyterlab_orrery/cli/orrery.mjs'],
    make: pythonPackage
  },
  {
    name: 'notices and schema',
    inputs: [...SOURCES, 'LICENSE', 'scripts/notices.mjs', 'scripts/licences'],
    outputs: [...NOTICES, 'jupyterlab_orrery/labextension/schema.json'],
    make: writeNotices
  }
];

/** tsc's output of the worker and of the command line is replaced by the bundles of the next steps. */
function compile() {
  command('node_modules/typescript/bin/tsc', ['--incremental', '--tsBuildInfoFile', 'lib/build.tsbuildinfo']);
  for (const name of ['worker', 'command line']) {
    delete stamps[name];
  }
}

async function bundle(options) {
  const { build } = await import('esbuild');
  const { metafile } = await build({ bundle: true, format: 'esm', logLevel: 'warning', metafile: true, ...options });
  const { packagesOf } = await import('./notices.mjs');
  writeJson(at('.cache/bundled', `${basename(options.outfile)}.json`), [...packagesOf(Object.keys(metafile.inputs))]);
}

/**
 * What Python needs: the analyses with their schemas, the MIME type's schema, and the command line for machines without
 * npm packages, where ONNX Runtime's WebAssembly build takes the place of the native one.
 */
async function pythonPackage() {
  rmSync(python('cli'), { recursive: true, force: true });
  await bundle({ ...CLI, ...WEB, sourcemap: false, outfile: python('cli/orrery.mjs'), plugins: [portable] });
  for (const name of RUNTIME_FILES) {
    copyFileSync(at('node_modules/onnxruntime-web/dist', name), python('cli', name));
  }
  const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
  const analyses = JSON.parse(output(python('cli/orrery.mjs'), ['list', '--json']));
  writeJson(python('analyses.json'), { version, analyses });
  const { stub } = await import('./stub.mjs');
  writeFileSync(python('model.pyi'), stub(analyses));
  const schema = at('.cache/payload-schema.mjs');
  await bundle({ entryPoints: [at('src/report/payload-schema.ts')], platform: 'node', outfile: schema });
  writeJson(python('schema.json'), (await import(`${schema}?${Date.now()}`)).payloadSchema());
}

/** `runtime/node` → `runtime/portable`. */
const portable = {
  name: 'portable runtime',
  setup: build => build.onResolve({ filter: /\/runtime\/node$/ }, () => ({ path: at('src/runtime/portable.ts') }))
};

function labextension() {
  const builder = 'node_modules/@jupyter/builder/lib/build-labextension.js';
  command(builder, ['--core-package-file', 'node_modules/@jupyterlab/core-meta/core.package.json', '.'], true);
}

/** esbuild's packages are known from its bundles, the labextension's from the list that its builder leaves. */
async function writeNotices() {
  const { notices } = await import('./notices.mjs');
  const folder = at('.cache/bundled');
  const bundled = readdirSync(folder).flatMap(name => JSON.parse(readFileSync(join(folder, name), 'utf8')));
  const listed = python('labextension/static/third-party-licenses.json');
  const { packages } = JSON.parse(readFileSync(listed, 'utf8'));
  const text = notices([...bundled, ...packages.flatMap(({ name, versionInfo }) => installedAt(name, versionInfo))]);
  for (const path of NOTICES) {
    writeFileSync(at(path), text);
  }
  copyFileSync(at('LICENSE'), python('labextension/LICENSE'));
  copyFileSync(python('schema.json'), python('labextension/schema.json'));
}

/** Where a version of a package lies under node_modules/: deeper when two versions are needed. */
function installedAt(name, version) {
  const { packages } = JSON.parse(readFileSync(at('package-lock.json'), 'utf8'));
  const tail = `node_modules/${name}`;
  const found = Object.keys(packages).find(path => path.endsWith(tail) && packages[path].version === version);
  return found ? [found.slice('node_modules/'.length)] : [];
}

function writeJson(path, value) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(value, null, 1)}\n`);
}

/** Runs a program of Node; with `quiet`, its words are shown only when it fails. */
function command(file, args, quiet = false) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [at(file), ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: quiet ? 'pipe' : 'inherit'
  });
  if (status !== 0) {
    process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
    throw new Error(`${relative(root, at(file))} ended with exit code ${status}`);
  }
}

function output(file, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { encoding: 'utf8', maxBuffer: 1e8 });
  if (status !== 0) {
    throw new Error(`${relative(root, file)} ${args.join(' ')}: ${stderr.trim()}`);
  }
  return stdout;
}

function filesIn(path) {
  const full = at(path);
  if (!statSync(full, { throwIfNoEntry: false })?.isDirectory()) {
    return existsSync(full) ? [full] : [];
  }
  return readdirSync(full, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

const stampFile = at('.cache/build.json');
const stamps = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : {};

checkNode();
ensurePackages();
mkdirSync(at('.cache'), { recursive: true });
/** Steps after a failed one are still tried: a type error need not keep the page from being looked at. */
const failures = [];
for (const { name, inputs, outputs, make } of steps) {
  const stamp = digest(inputs.flatMap(filesIn));
  if (stamps[name] === stamp && outputs.every(path => existsSync(at(path)))) {
    continue;
  }
  const start = Date.now();
  try {
    await make();
  } catch (error) {
    failures.push(`build of the ${name} failed: ${error.message}`);
    say(failures.at(-1));
    continue;
  }
  stamps[name] = stamp;
  writeFileSync(stampFile, JSON.stringify(stamps));
  say(`built the ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
}
if (failures.length > 0) {
  refuse(failures[0]);
}
