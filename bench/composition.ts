import { execFileSync } from 'node:child_process';

import { receivers, scores, senders, MODES } from '../src/analyses/circuits/composition/composition-scores';
import type { FoldedLayer } from '../src/analyses/circuits/folded-heads';
import { gaussian } from '../src/maths/gaussian';
import { linearAlgebra } from '../src/maths/linear-algebra';
import { matrix, type Matrix } from '../src/maths/matrix';
import { random } from '../src/maths/random';
import { timed } from './alternate';
import { atMost, type Bench } from './bench';

/** GPT-2 small. */
const [D_MODEL, D_HEAD, HEADS, LAYERS] = [768, 64, 12, 12];
/** Pairs of layers that are timed, of 66. */
const SAMPLE = 6;
const PAIRS = (LAYERS * (LAYERS - 1)) / 2;

/** Products of [768, 768] by [768, 768] in double precision, one thread: seconds of each. */
const NUMPY = `
import time, numpy as np
a, b = np.random.rand(768, 768), np.random.rand(768, 768)
a @ b
begun = time.perf_counter()
for _ in range(20):
    a @ b
print((time.perf_counter() - begun) / 20)
`;

function layer(seed: number): FoldedLayer {
  const next = gaussian(random(seed));
  const table = (rows: number, columns: number): Matrix =>
    matrix(rows, columns, Float64Array.from({ length: rows * columns }, next));
  const heads = (rows: number, columns: number): Matrix[] => Array.from({ length: HEADS }, () => table(rows, columns));
  return { q: heads(D_MODEL, D_HEAD), k: heads(D_MODEL, D_HEAD), v: heads(D_MODEL, D_HEAD), o: heads(D_HEAD, D_MODEL) };
}

const numpySeconds = (): number => {
  const python = execFileSync('node', ['scripts/bench-python.mjs'], {
    stdio: ['ignore', 'pipe', 'inherit']
  }).toString();
  const threads = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  return Number(execFileSync(python, ['-c', NUMPY], { env: { ...process.env, ...threads } }).toString());
};

/** All pairs of a GPT-2 small's heads for the three compositions, against NumPy's time for as many operations in matrix products. */
export const compositionBench: Bench = {
  name: 'composition',
  run: async () => {
    const algebra = await linearAlgebra();
    const same = (head: number): number => head;
    const [from, to] = [senders(layer(1), same, algebra), receivers(layer(2), same, algebra)];
    const before = numpySeconds();
    const milliseconds = await timed(async () => {
      for (let pair = 0; pair < SAMPLE; pair++) {
        MODES.forEach(mode => scores(from, to[mode], algebra));
      }
    });
    const product = (before + numpySeconds()) / 2;
    const width = HEADS * D_HEAD;
    const operations = MODES.length * (2 * width * D_MODEL * width + HEADS * 2 * width * D_HEAD * D_HEAD);
    const [ours, theirs] = [milliseconds / 1000 / SAMPLE, (product * operations) / (2 * D_MODEL ** 3)];
    return atMost({
      name: 'composition',
      value: ours / theirs,
      unit: '× NumPy',
      target: 4,
      detail:
        `${PAIRS * HEADS * HEADS} ordered pairs of heads, Q, K and V, one thread each, ours products in single precision and sums in double, NumPy's in double: ${(ours * PAIRS).toFixed(1)} s, ` +
        `NumPy's matrix products of as many operations ${(theirs * PAIRS).toFixed(1)} s (from ${SAMPLE} of ${PAIRS} pairs of layers)`
    });
  }
};
