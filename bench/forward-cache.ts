import { random } from '../src/maths/random';
import { createNodeRuntime } from '../src/runtime/node';
import { quantile, timed } from './alternate';
import { atLeast, type Bench } from './bench';
import { GPT2_SMALL, gpt2Files } from './gpt2';
import { openBench, QUIET } from './open-bench';
import { transformerLens } from './transformer-lens';

const LENGTH = 15;
const ROUNDS = 15;
const TARGET = 3;

/** A forward with every hook kept, against run_with_cache; one thread each, the two in turn by thirds. */
export const forwardCache: Bench = {
  name: 'forward-cache',
  run: async () => {
    const files = gpt2Files(GPT2_SMALL);
    const lens = await transformerLens(files, 1);
    const subject = await openBench(files, createNodeRuntime());
    try {
      const stream = random(3);
      const ids = [Array.from({ length: LENGTH }, () => stream.below(GPT2_SMALL.vocabulary))];
      const hooks = subject.anatomy.hooks.flatMap(({ name, status }) => (status === 'verified' ? [name] : []));
      const [ours, theirs]: number[][] = [[], []];
      for (let third = 0; third < 3; third++) {
        const { seconds } = await lens.ask<{ seconds: number[] }>({ cache: ids, rounds: ROUNDS });
        theirs.push(...seconds.map(value => value * 1000));
        for (let round = 0; round < ROUNDS; round++) {
          ours.push(await timed(() => subject.forward({ ids, hooks, outputs: ['logits'] }, QUIET)));
        }
      }
      const [own, other] = [ours, theirs].map(times => quantile(times, 0.5));
      return atLeast({
        name: 'forward-cache',
        value: other / own,
        unit: '× run_with_cache',
        target: TARGET,
        detail: `GPT-2-small shape, ${LENGTH} tokens, ${hooks.length} hooks kept: ${own.toFixed(0)} ms by ${subject.facts.runtime}, ${other.toFixed(0)} ms there (medians of ${3 * ROUNDS})`
      });
    } finally {
      lens.close();
      await subject.close();
    }
  }
};
