import { createNodeRuntime } from '../src/runtime/node';
import type { Runtime } from '../src/runtime/runtime';
import { quantile, timed } from './alternate';
import { atMost, type Bench } from './bench';
import { GPT2_SMALL, gpt2Files } from './gpt2';
import { openBench, QUIET } from './open-bench';

const TOKENS = 16;
const OPENINGS = 5;
const FORWARDS = 20;
const TARGET = 3;

/** The runtime, and milliseconds from the end of the last session's making: what opening does then is the certificate. */
const watched = (): { readonly runtime: Runtime; readonly prepared: () => number } => {
  const runtime = createNodeRuntime();
  let end = 0;
  return {
    prepared: () => end,
    runtime: {
      ...runtime,
      prepare: async (model, weights) => {
        const made = await runtime.prepare(model, weights);
        end = performance.now();
        return made;
      }
    }
  };
};

/** The certificate on opening, in forwards of the whole model. */
export const quickCertificate: Bench = {
  name: 'quick-certificate',
  run: async () => {
    const files = gpt2Files(GPT2_SMALL);
    const ids = [Array.from({ length: TOKENS }, (_, at) => (at * 7919) % GPT2_SMALL.vocabulary)];
    const [certificates, forwards, openings]: number[][] = [[], [], []];
    let held = '';
    for (let opening = 0; opening < OPENINGS; opening++) {
      const { runtime, prepared } = watched();
      const started = performance.now();
      const subject = await openBench(files, runtime);
      certificates.push(performance.now() - prepared());
      openings.push(performance.now() - started);
      const { identities } = subject.certificate;
      held = `${identities.filter(({ holds }) => holds).length} of ${identities.length} identities hold`;
      for (let round = 0; round < FORWARDS; round++) {
        forwards.push(await timed(() => subject.forward({ ids, hooks: [], outputs: ['logits'] }, QUIET)));
      }
      await subject.close();
    }
    const [certificate, forward, whole] = [certificates, forwards, openings].map(times => quantile(times, 0.5));
    return atMost({
      name: 'quick-certificate',
      value: certificate / forward,
      unit: `forwards of ${TOKENS} tokens`,
      target: TARGET,
      detail:
        `GPT-2-small shape: ${certificate.toFixed(0)} ms from the last session on, a forward ${forward.toFixed(0)} ms, all of opening ` +
        `${whole.toFixed(0)} ms (medians of ${OPENINGS} openings); ${held}`
    });
  }
};
