// What the commands need on a machine with Node and Python alone: node_modules/ and .env/, made from the lock files.
// Only Node's own modules are imported here, since this runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(fileURLToPath(new URL('..', import.meta.url)));
const windows = process.platform === 'win32';
const environment = join(root, '.env');
const LOCKS = ['requirements.lock', 'requirements-test.lock'];

/** A program of our Python environment. */
export const inEnvironment = name => join(environment, windows ? `Scripts/${name}.exe` : `bin/${name}`);

/** One line on stderr: what is being done. */
export const say = words => void process.stderr.write(`orrery: ${words}\n`);

/** Ends the process with one sentence. */
export function refuse(sentence) {
  say(sentence);
  process.exit(1);
}

/** Runs to the end in the repository's root; ends the process with one sentence when the command fails. */
export function run(command, args, { env = {}, shell = false, failure } = {}) {
  const { status, error, signal } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    shell,
    stdio: 'inherit'
  });
  if (status !== 0) {
    const reason = error?.message ?? (signal ? `ended by ${signal}` : `exit code ${status}`);
    refuse(`${failure ?? `'${command} ${args.join(' ')}' failed`} (${reason})`);
  }
}

/** Refuses a Node that is too old. */
export function checkNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) {
    refuse(`Node too old: ${process.versions.node} runs this, 20 or later is needed (https://nodejs.org)`);
  }
}

/** node_modules/ as package-lock.json has it; `npm ci` where it is not. */
export function ensurePackages() {
  if (packagesAgree()) {
    return;
  }
  say('installing the npm packages of package-lock.json (about a minute)');
  run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    env: { ONNXRUNTIME_NODE_INSTALL: 'skip', PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' },
    shell: windows,
    failure: "packages missing: 'npm ci' failed"
  });
}

/** npm keeps what it installed in node_modules/.package-lock.json; packages of other platforms are absent there. */
function packagesAgree() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) {
    return false;
  }
  const packages = file => JSON.parse(readFileSync(file, 'utf8')).packages;
  const have = packages(installed);
  return Object.entries(packages(join(root, 'package-lock.json'))).every(
    ([path, { version, optional }]) => path === '' || optional || have[path]?.version === version
  );
}

/** .env/ with the versions of the lock files, and this package linked into it. */
export function ensurePython() {
  const wanted = digest(LOCKS.map(name => join(root, name)));
  const stamp = join(environment, 'locks.sha256');
  const works = spawnSync(inEnvironment('python'), ['-c', 'import jupyterlab, pytest']).status === 0;
  if (!works || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    makeEnvironment(works);
    writeFileSync(stamp, wanted);
  }
  linkPackage();
}

function makeEnvironment(works) {
  const { command, version } = works ? { version: '' } : findPython();
  if (!works) {
    say(`making a Python environment in .env/ with Python ${version}`);
    rmSync(environment, { recursive: true, force: true });
    run(command[0], [...command.slice(1), '-m', 'venv', environment], { failure: "Python's venv failed" });
  }
  say('installing JupyterLab and the other packages of requirements.lock (half a minute)');
  const locks = LOCKS.flatMap(name => ['-r', join(root, name)]);
  run(
    inEnvironment('python'),
    ['-m', 'pip', 'install', '-qq', '--disable-pip-version-check', '--require-hashes', ...locks],
    { failure: 'packages missing: pip could not install requirements.lock' }
  );
}

const PYTHONS = [
  ['python3'],
  ['python'],
  ...['14', '13', '12', '11', '10'].map(minor => [`python3.${minor}`]),
  ['py', '-3']
];
const PROBE = 'import sys; print("%d.%d.%d" % sys.version_info[:3]); import ensurepip, venv';

/** The first Python that is new enough and can make environments. */
export function findPython() {
  const seen = [];
  for (const command of process.env.PYTHON ? [[process.env.PYTHON]] : PYTHONS) {
    const { status, stdout } = spawnSync(command[0], [...command.slice(1), '-c', PROBE], { encoding: 'utf8' });
    const version = stdout?.trim();
    if (!version) {
      continue;
    }
    const [major, minor] = version.split('.').map(Number);
    const old = major < 3 || (major === 3 && minor < 10);
    if (!old && status === 0) {
      return { command, version };
    }
    seen.push(
      `${command.join(' ')} is ${version}${old ? '' : " without the 'venv' module (Debian: apt-get install python3-venv)"}`
    );
  }
  return refuse(`Python missing: 3.10 or later with venv is needed${seen.length ? `; ${seen.join('; ')}` : ''}`);
}

/** `import jupyterlab_orrery` and the extension of JupyterLab come from this folder, without another build. */
function linkPackage() {
  const { stdout } = spawnSync(
    inEnvironment('python'),
    ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'],
    {
      encoding: 'utf8'
    }
  );
  link(join(root, 'jupyterlab_orrery'), join(stdout.trim(), 'jupyterlab_orrery'));
  const extensions = join(environment, 'share', 'jupyter', 'labextensions');
  link(join(root, 'jupyterlab_orrery', 'labextension'), join(extensions, 'jupyterlab-orrery'));
}

function link(target, path) {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there?.isSymbolicLink() && resolve(dirname(path), readlinkSync(path)) === target) {
    return;
  }
  rmSync(path, { recursive: true, force: true });
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path, 'junction');
}

/** SHA-256 over names and contents. */
export function digest(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}
