import { execFileSync } from 'node:child_process';

import { atMost, type Bench } from './bench';

/** Of what was stated. */
const OFF = 0.2;
/** Beyond the weights, in the file's store, in the model's sessions and in the pieces. */
const MOST_BEYOND = 300;

interface Measured {
  readonly activations: number;
  readonly weights: number;
  readonly grown: number;
}

/** Large allocations are given back when they are freed, so that memory that was left from opening the model is not used again unseen. */
const GIVEN_BACK = { MALLOC_MMAP_THRESHOLD_: '65536' };

let once: Measured | undefined;
const measured = (): Measured =>
  (once ??= JSON.parse(
    execFileSync('node', ['scripts/run-typescript.mjs', 'bench/measure-memory.ts'], {
      env: { ...process.env, ...GIVEN_BACK },
      stdio: ['ignore', 'pipe', 'inherit']
    }).toString()
  ) as Measured);

const megabytes = (bytes: number): number => bytes / 2 ** 20;
const WHAT =
  '10,800 patches of GPT-2-small shape in a process of their own, peak of resident memory beyond the open model';

/** The sweep of five kinds: what it said that it would take against what it took, and what it took beyond weights. */
export const memoryBenches: readonly Bench[] = [
  {
    name: 'sweep-memory-stated',
    run: async () => {
      const { activations, weights, grown } = measured();
      const stated = activations + weights;
      return atMost({
        name: 'sweep-memory-stated',
        value: Math.abs(grown / stated - 1),
        unit: 'of what was stated',
        target: OFF,
        detail: `${WHAT}: stated ${megabytes(stated).toFixed(0)} MB (weights of the pieces ${megabytes(weights).toFixed(0)}), measured ${megabytes(grown).toFixed(0)} MB`
      });
    }
  },
  {
    name: 'sweep-memory',
    run: async () => {
      const { weights, grown } = measured();
      return atMost({
        name: 'sweep-memory',
        value: megabytes(grown - weights),
        unit: 'MB beyond store and sessions',
        target: MOST_BEYOND,
        detail: `${WHAT} and the ${megabytes(weights).toFixed(0)} MB of weights in the pieces' sessions`
      });
    }
  }
];
