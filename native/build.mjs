// node native/build.mjs: linear-algebra.cpp → src/maths/eigen-wasm.ts. Needs Emscripten 3.1 and Eigen 3.4
// (Debian 12: apt install emscripten libeigen3-dev). The result is committed; only a change here needs it again.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, '..', 'src', 'maths', 'eigen-wasm.ts');
const FUNCTIONS = [
  'singular_values',
  'svd',
  'symmetric_eigenvalues',
  'symmetric_eigen',
  'eigenvalues',
  'qr',
  'solve_positive',
  'multiply',
  'block_squares',
  'malloc',
  'free'
];
// Eigen's SSE2 code through Emscripten's emulation on wasm's SIMD. Its empty assembler barriers are for x86 alone; the
// compiler's version is said to be one for which Eigen needs no assembler instructions.
const SIMD = ['-msimd128', '-msse2', `-I${join(here, 'include')}`, '-fgnuc-version=8.0', '-D__asm__(...)='];

const wasm = join(mkdtempSync(join(tmpdir(), 'eigen-')), 'eigen.wasm');
execFileSync('emcc', [
  '-O3',
  '-DNDEBUG',
  '-DEIGEN_MPL2_ONLY',
  '-DEIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS=16',
  ...SIMD,
  '-fno-exceptions',
  '-fno-rtti',
  '-I/usr/include/eigen3',
  join(here, 'linear-algebra.cpp'),
  '--no-entry',
  '-sSTANDALONE_WASM=1',
  '-sALLOW_MEMORY_GROWTH=1',
  '-sMAXIMUM_MEMORY=4GB',
  `-sEXPORTED_FUNCTIONS=${FUNCTIONS.map(name => `_${name}`).join()}`,
  '-o',
  wasm
]);
const bytes = readFileSync(wasm);
const text = deflateSync(bytes, { level: 9 }).toString('base64');
writeFileSync(
  target,
  `// Written by native/build.mjs from native/linear-algebra.cpp and Eigen 3.4.0 (MPL-2.0, eigen.tuxfamily.org).
export const EIGEN_WASM = {
  /** Bytes of the WebAssembly module. */
  size: ${bytes.length},
  /** The module, deflated, in base64. */
  deflated:
    '${text}'
};
`
);
