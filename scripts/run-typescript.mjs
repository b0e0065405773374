// node scripts/run-typescript.mjs FILE.ts [ARGS…]: bundles a TypeScript program into .cache/ and runs it.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs to the end and gives the exit code. Packages stay outside the bundle. */
export async function runTypeScript(file, args, nodeOptions = []) {
  const outfile = join(root, '.cache', 'run', `${basename(file, '.ts')}.mjs`);
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning'
  });
  return spawnSync(process.execPath, [...nodeOptions, outfile, ...args], { stdio: 'inherit' }).status ?? 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file, ...args] = process.argv.slice(2);
  process.exit(await runTypeScript(file, args));
}
