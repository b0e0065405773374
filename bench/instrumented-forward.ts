import type { Anatomy } from '../src/anatomy/anatomy';
import { recognise } from '../src/anatomy/recognise';
import { decompose } from '../src/graph/decompose/decompose';
import { collectWeights } from '../src/onnx/collect-weights';
import { readModel } from '../src/onnx/read-model';
import type { Tensor } from '../src/onnx/tensor';
import { createNodeRuntime } from '../src/runtime/node';
import type { Prepared } from '../src/runtime/runtime';
import { observe } from '../src/surgery/observe';
import { alternate } from './alternate';
import { atMost, type Bench, type Row } from './bench';
import { GPT2_SMALL, gpt2Files } from './gpt2';
import { llamaFiles, SMOL } from './llama';
import { WEIGHTS_FILE } from './weight-store';

const ROUNDS = 20;
/** Of the largest logit: the same kernels in the same order, so rounding only; attention taken apart sums in another order. */
const AGREE = { exported: 1e-5, apart: 1e-4 };
const HOOKS = /\.(attn\.hook_pattern|attn\.hook_z|hook_resid_pre|hook_resid_mid|hook_resid_post)$/;

interface Case {
  readonly name: string;
  readonly tokens: number;
  readonly files: () => { readonly model: Uint8Array; readonly weights: Uint8Array };
  readonly sizes: { readonly layers: number; readonly vocabulary: number };
  /** The operator that is taken apart. */
  readonly fused?: string;
  readonly target: number;
}

const GPT2 = { files: () => gpt2Files(GPT2_SMALL), sizes: GPT2_SMALL };

const CASES: readonly Case[] = [
  { name: 'instrumented-forward', tokens: 32, ...GPT2, target: 1.1 },
  { name: 'instrumented-forward-128', tokens: 128, ...GPT2, target: 1.2 },
  {
    name: 'instrumented-forward-fused',
    tokens: 32,
    files: () => gpt2Files(GPT2_SMALL, 'fused'),
    sizes: GPT2_SMALL,
    fused: 'com.microsoft Attention',
    target: 1.35
  },
  {
    name: 'instrumented-forward-grouped',
    tokens: 32,
    files: () => llamaFiles(SMOL, 'fused'),
    sizes: SMOL,
    fused: 'com.microsoft GroupQueryAttention',
    target: 1.35
  }
];

/** A forward with all patterns, z and residuals fetched, against the file as it is, both fetching the logits. */
export const instrumentedBenches: readonly Bench[] = CASES.map(row => ({ name: row.name, run: () => measure(row) }));

const measure = async ({ name, tokens, files: make, sizes, fused, target }: Case): Promise<Row> => {
  const files = make();
  const read = readModel(files.model, 'model.onnx');
  const { model, weights } = collectWeights(read, new Map([[WEIGHTS_FILE, files.weights]]));
  const apart = decompose(model, weights).model;
  const anatomy = recognise(apart, weights);
  const observed = observe(apart, anatomy, hooksOf(anatomy, sizes.layers));
  const runtime = createNodeRuntime();
  const bare = await runtime.prepare(model, weights);
  const instrumented = await runtime.prepare(observed.model, weights);
  const fetches = ['logits', ...new Set(observed.outputs.map(output => output.tensor))];
  const feeds = { input_ids: ids(tokens, sizes.vocabulary) };
  try {
    const difference = await largestDifference(
      bare,
      instrumented,
      feeds,
      fetches,
      fused ? AGREE.apart : AGREE.exported
    );
    const { ratio, quartiles, before, after } = await alternate(
      () => bare.run(feeds, ['logits']),
      () => instrumented.run(feeds, fetches),
      ROUNDS
    );
    return atMost({
      name,
      value: ratio,
      unit: '× bare forward',
      target,
      detail:
        `${observed.outputs.length} hooks in ${fetches.length - 1} tensors, ${tokens} tokens${fused ? `, ${fused} taken apart` : ''}, ` +
        `${runtime.version}, ${runtime.threads} thread; ${before.toFixed(1)} → ${after.toFixed(1)} ms (medians of ${ROUNDS}), ` +
        `quartiles ${quartiles.map(q => q.toFixed(3)).join('–')}; logits differ by ${difference.toExponential(1)} of the largest`
    });
  } finally {
    await Promise.all([bare.release(), instrumented.release()]);
  }
};

const hooksOf = ({ hooks, refusals }: Anatomy, layers: number): readonly string[] => {
  const names = hooks.map(hook => hook.name).filter(name => HOOKS.test(name));
  const expected = layers * 5;
  if (names.length !== expected) {
    throw new Error(
      `the recogniser found ${names.length} of ${expected} hooks: ${refusals.map(({ why }) => why).join('; ')}`
    );
  }
  return names;
};

const ids = (tokens: number, vocabulary: number): Tensor => ({
  dims: [1, tokens],
  type: 'int64',
  data: BigInt64Array.from({ length: tokens }, (_, i) => BigInt((i * 7919) % vocabulary))
});

const largestDifference = async (
  bare: Prepared,
  other: Prepared,
  feeds: Readonly<Record<string, Tensor>>,
  fetches: readonly string[],
  allowed: number
): Promise<number> => {
  const a = (await bare.run(feeds, ['logits'])).logits.data as Float32Array;
  const b = (await other.run(feeds, fetches)).logits.data as Float32Array;
  const largest = a.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  const difference = a.reduce((max, x, i) => Math.max(max, Math.abs(x - b[i])), 0) / largest;
  if (!(difference <= allowed) || a.length !== b.length) {
    throw new Error(
      `the logits of the two sides differ by ${difference} of the largest, more than ${allowed}: no ratio`
    );
  }
  return difference;
};
