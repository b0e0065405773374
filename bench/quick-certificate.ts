import { recognise } from '../src/anatomy/recognise';
import { collectWeights } from '../src/onnx/collect-weights';
import type { Model } from '../src/onnx/model';
import { readModel } from '../src/onnx/read-model';
import type { Tensor } from '../src/onnx/tensor';
import { createNodeRuntime } from '../src/runtime/node';
import { certifyModel } from '../src/subject/opening/certify-model';
import { feedables } from '../src/subject/inputs/feeds';
import { createSession, type Session } from '../src/subject/session';
import { tokenTime } from '../src/subject/token-time';
import { prepareUnembedding } from '../src/subject/unembedding';
import { observe } from '../src/surgery/observe';
import { quantile, timed } from './alternate';
import { atMost, type Bench } from './bench';
import { GPT2_SMALL, gpt2Files } from './gpt2';
import { QUIET } from './open-bench';
import { WEIGHTS_FILE } from './weight-store';

const TOKENS = 16;
const ROUNDS = 5;
const FORWARDS = 20;
const TARGET = 3;

/** The certificate on opening without the making of its sessions, in forwards of the whole model. */
export const quickCertificate: Bench = {
  name: 'quick-certificate',
  run: async () => {
    const files = gpt2Files(GPT2_SMALL);
    const { model, weights } = collectWeights(
      readModel(files.model, 'model.onnx'),
      new Map([[WEIGHTS_FILE, files.weights]])
    );
    const anatomy = recognise(model, weights);
    const inputs = feedables(anatomy.inputs);
    const [tower] = anatomy.towers;
    const runtime = createNodeRuntime();
    const unembedding = await prepareUnembedding(
      edited => runtime.prepare(edited, weights),
      model,
      anatomy,
      tower,
      inputs,
      true
    );
    let [making, running] = [0, 0];
    const run = async <T>(work: () => Promise<T>): Promise<T> => {
      const started = performance.now();
      const result = await work();
      running += performance.now() - started;
      return result;
    };
    const prepare = async (edited: Model): Promise<Session> => {
      const started = performance.now();
      const prepared = await runtime.prepare(edited, weights);
      making += performance.now() - started;
      const session = createSession({ prepared, inputs, batches: true, chunkTokens: 1024, time: tokenTime() });
      return { ...session, run: (...request) => run(() => session.run(...request)) };
    };
    const names = anatomy.hooks.flatMap(({ name, source }) => (source ? [name] : []));
    const parts = {
      model,
      weights,
      anatomy,
      inputs,
      bare: () => prepare(model),
      observed: () => prepare(observe(model, anatomy, names).model),
      prepare,
      unembeddings: new Map([[tower, { ...unembedding, run: (stream: Tensor) => run(() => unembedding.run(stream)) }]]),
      length: undefined
    };
    const ids = [Array.from({ length: TOKENS }, (_, at) => (at * 7919) % GPT2_SMALL.vocabulary)];
    const [certificates, runs, forwards]: number[][] = [[], [], []];
    let held = '';
    for (let round = 0; round < ROUNDS; round++) {
      [making, running] = [0, 0];
      let certified: Awaited<ReturnType<typeof certifyModel>> | undefined;
      const all = await timed(async () => (certified = await certifyModel(parts, QUIET)));
      certificates.push(all - making);
      runs.push(running);
      const { session, certificate } = certified!;
      held = `${certificate.identities.filter(({ holds }) => holds).length} of ${certificate.identities.length} identities hold`;
      for (let forward = 0; forward < FORWARDS; forward++) {
        forwards.push(await timed(() => session.run(ids, ['logits'], undefined, QUIET)));
      }
      await session.release();
    }
    await unembedding.release();
    const [certificate, own, forward] = [certificates, runs, forwards].map(times => quantile(times, 0.5));
    return atMost({
      name: 'quick-certificate',
      value: certificate / forward,
      unit: `forwards of ${TOKENS} tokens`,
      target: TARGET,
      detail:
        `GPT-2-small shape: ${certificate.toFixed(0)} ms without the making of sessions (median of ${ROUNDS}), ` +
        `${own.toFixed(0)} of them its three runs, a forward ${forward.toFixed(0)} ms (median of ${ROUNDS * FORWARDS}); ${held}`
    });
  }
};
