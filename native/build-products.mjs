// node native/build-products.mjs: products.c → src/anatomy/certificate/products-wasm.ts. Needs Clang 14 and its linker
// (Debian 12: apt install clang lld). The result is committed; only a change here needs it again.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, '..', 'src', 'anatomy', 'certificate', 'products-wasm.ts');
const wasm = join(mkdtempSync(join(tmpdir(), 'products-')), 'products.wasm');
execFileSync('clang', [
  '--target=wasm32',
  '-O2',
  '-fno-unroll-loops',
  '-fno-vectorize',
  '-ffreestanding',
  '-msimd128',
  '-nostdlib',
  '-Wl,--no-entry',
  '-Wl,--strip-all',
  join(here, 'products.c'),
  '-o',
  wasm
]);
const text = readFileSync(wasm).toString('base64');
writeFileSync(
  target,
  `/** Written by native/build-products.mjs from native/products.c: the WebAssembly module in base64. */
export const PRODUCTS_WASM =
  '${text}';
`
);
