import { recognise } from '../src/anatomy/recognise';
import { collectWeights } from '../src/onnx/collect-weights';
import { readModel } from '../src/onnx/read-model';
import type { Tensor } from '../src/onnx/tensor';
import { createNodeRuntime } from '../src/runtime/node';
import type { Prepared } from '../src/runtime/runtime';
import { observe } from '../src/surgery/observe';
import { alternate } from './alternate';
import { atMost, type Bench } from './bench';
import { GPT2_SMALL, gpt2Files } from './gpt2';
import { WEIGHTS_FILE } from './weight-store';

const TOKENS = 32;
const ROUNDS = 30;
const TARGET = 1.15;
/** Of the largest logit: the same kernels in the same order, so rounding only. */
const AGREE = 1e-5;
const HOOKS = /\.(attn\.hook_pattern|attn\.hook_z|hook_resid_pre|hook_resid_mid|hook_resid_post)$/;

/** A forward with all patterns, z and residuals fetched, against the bare model, both fetching the logits. */
export const instrumentedForward: Bench = {
  name: 'instrumented-forward',
  run: async () => {
    const files = gpt2Files(GPT2_SMALL);
    const read = readModel(files.model, 'model.onnx');
    const { model, weights } = collectWeights(read, new Map([[WEIGHTS_FILE, files.weights]]));
    const anatomy = recognise(model, weights);
    const hooks = anatomy.hooks.map(hook => hook.name).filter(name => HOOKS.test(name));
    checkHooks(hooks, anatomy.refusals);
    const observed = observe(model, anatomy, hooks);
    const runtime = createNodeRuntime();
    const bare = await runtime.prepare(model, weights);
    const instrumented = await runtime.prepare(observed.model, weights);
    const fetches = ['logits', ...new Set(observed.outputs.map(output => output.tensor))];
    const difference = await largestDifference(bare, instrumented, fetches);
    const { ratio, quartiles, before, after } = await alternate(
      () => bare.run(feeds(), ['logits']),
      () => instrumented.run(feeds(), fetches),
      ROUNDS
    );
    await Promise.all([bare.release(), instrumented.release()]);
    return atMost({
      name: 'instrumented-forward',
      value: ratio,
      unit: '× bare forward',
      target: TARGET,
      detail:
        `${hooks.length} hooks in ${fetches.length - 1} tensors, ${TOKENS} tokens, ${runtime.version}, ${runtime.threads} thread; ` +
        `${before.toFixed(1)} → ${after.toFixed(1)} ms (medians of ${ROUNDS}), quartiles ${quartiles.map(q => q.toFixed(3)).join('–')}; ` +
        `logits differ by ${difference.toExponential(1)} of the largest`
    });
  }
};

const checkHooks = (hooks: readonly string[], refusals: readonly { readonly why: string }[]): void => {
  const expected = GPT2_SMALL.layers * 5;
  if (hooks.length !== expected) {
    throw new Error(
      `the recogniser found ${hooks.length} of ${expected} hooks: ${refusals.map(({ why }) => why).join('; ')}`
    );
  }
};

const feeds = (): Readonly<Record<string, Tensor>> => ({
  input_ids: {
    dims: [1, TOKENS],
    type: 'int64',
    data: BigInt64Array.from({ length: TOKENS }, (_, i) => BigInt((i * 7919) % GPT2_SMALL.vocabulary))
  }
});

const largestDifference = async (bare: Prepared, other: Prepared, fetches: readonly string[]): Promise<number> => {
  const a = (await bare.run(feeds(), ['logits'])).logits.data as Float32Array;
  const b = (await other.run(feeds(), fetches)).logits.data as Float32Array;
  const largest = a.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  const difference = a.reduce((max, x, i) => Math.max(max, Math.abs(x - b[i])), 0) / largest;
  if (!(difference <= AGREE) || a.length !== b.length) {
    throw new Error(`the logits of the two sides differ by ${difference} of the largest, more than ${AGREE}: no ratio`);
  }
  return difference;
};
