import type { Tensor } from '../../../onnx/tensor';
import type { Context } from '../../../subject/context';
import type { Cache, Subject } from '../../../subject/subject';
import { floats } from '../../floats';
import { blockHook } from '../../hooks';
import type { MeasuredPrompt } from '../../patching/measured-prompts';
import { METRICS } from '../../patching/metric';
import { quiet } from '../../quiet';
import { beforeSoftcap } from './before-softcap';
import type { LinearMetric } from './answer-direction';
import { tokenWeights, type AnswerDirection } from './answer-direction';
import { frozenNorm, NO_NORM } from '../frozen-norm';
import {
  dot,
  partHooks,
  readDirections,
  rowOf,
  streamHook,
  streamParts,
  type ReadDirections,
  type StreamPart
} from '../stream-parts';

/** A term of one prompt's metric. */
export interface Term extends Omit<StreamPart, 'vector' | 'kind'> {
  readonly kind: StreamPart['kind'] | 'constant';
  /** Logits. */
  readonly value: number;
}

export interface Attributed {
  /** In the order of writing; the constant is last. */
  readonly terms: readonly Term[];
  /** The model's own metric. */
  readonly measured: number;
  /** MLP neurons [layer][neuron]; empty where they are not asked for. */
  readonly neurons: readonly Float64Array[];
  /** In front of the final norm, divided by its scale: what a vector of the stream is multiplied by. */
  readonly direction: Float64Array;
  /** The same in front of the norms of post-norm blocks. */
  readonly reads: ReadDirections;
}

export interface AttributionRequest {
  readonly prompt: MeasuredPrompt;
  readonly metric: LinearMetric;
  readonly neurons: boolean;
}

/**
 * The terms must make up the metric: relative to the sum of their sizes. Heads in half precision and quantised unembeddings round; a head that is
 * bent or scaled behind the unembedding is no sum of terms.
 */
const TOLERANCE = 5e-3;

export const neuronHook = (subject: Subject, layer: number): string => blockHook(subject, layer, 'mlp.hook_post');

export const attributionHooks = (subject: Subject, neurons: boolean): string[] => [
  ...partHooks(subject, subject.tower.layers),
  ...(neurons ? subject.tower.blocks.flatMap(({ mlp }, layer) => (mlp ? [neuronHook(subject, layer)] : [])) : [])
];

/** One forward: what each part of the stream where the answer is read adds to the metric, the final norm's scale held at its measured value. */
export async function attribute(
  subject: Subject,
  { prompt, metric, neurons }: AttributionRequest,
  directionOf: (tokens: ReadonlyMap<number, number>) => AnswerDirection,
  context: Context
): Promise<Attributed> {
  const { ids } = prompt.clean;
  const cache = await subject.forward({ ids: [ids], hooks: attributionHooks(subject, neurons) }, quiet(context));
  const { layers } = subject.tower;
  const stream = rowOf(cache, streamHook(subject, layers), prompt.answerAt);
  const answer = directionOf(tokenWeights(metric, prompt));
  const { direction, constant } = throughNorm(subject, answer, stream);
  const terms: Term[] = streamParts(subject, cache, layers, prompt.answerAt).map(({ vector, ...part }) => ({
    ...part,
    value: dot(vector, direction)
  }));
  terms.push({ name: 'constant', kind: 'constant', value: constant });
  const measured = await measure(subject, stream, metric, prompt, context);
  checkSum(terms, measured);
  const reads = readDirections(subject, cache, prompt.answerAt, direction);
  return {
    terms,
    measured,
    direction,
    reads,
    neurons: neurons ? neuronTerms(subject, cache, prompt.answerAt, reads) : []
  };
}

/** The answer's direction in front of the final norm, and what the norm's bias and the unembedding's bias add. */
function throughNorm(
  subject: Subject,
  { direction, bias }: AnswerDirection,
  stream: Float64Array
): { readonly direction: Float64Array; readonly constant: number } {
  const { weights, tower } = subject;
  const part = tower.finalNorm;
  const vector = (name: 'ln_final.w' | 'ln_final.b'): Float32Array | undefined =>
    weights.names.includes(name) ? (weights.read(name).data as Float32Array) : undefined;
  const norm = part ? frozenNorm(part, vector('ln_final.w'), stream) : NO_NORM;
  const shift = vector('ln_final.b');
  const constant = bias + (shift ? dot(shift, direction) : 0);
  return { direction: norm.pullBack(direction.slice()).map(value => value / norm.scale), constant };
}

/** The metric by the file's own final norm and unembedding, before a soft cap. */
async function measure(
  subject: Subject,
  stream: Float64Array,
  metric: LinearMetric,
  prompt: MeasuredPrompt,
  context: Context
): Promise<number> {
  const residual: Tensor = { dims: [1, 1, stream.length], type: 'float32', data: Float32Array.from(stream) };
  const logits = beforeSoftcap(subject, floats(await subject.unembed(residual, quiet(context)), 'logits'));
  const { correct, wrong, weights } = prompt;
  const columns =
    metric === 'logits' ? weights.map(({ id }) => id) : metric === 'logit' ? correct : [...correct, ...wrong];
  return METRICS[metric].read(
    Float32Array.from(columns, id => logits[id]),
    prompt,
    undefined
  );
}

function checkSum(terms: readonly Term[], measured: number): void {
  const sum = terms.reduce((total, { value }) => total + value, 0);
  const size = terms.reduce((total, { value }) => total + Math.abs(value), 0);
  if (!(Math.abs(sum - measured) <= TOLERANCE * Math.max(1, size))) {
    throw new Error(
      `terms do not add up: they make ${sum.toPrecision(5)} where the model's own answer is ${measured.toPrecision(5)} logits, so that its logits are no linear function of what the final norm gives`
    );
  }
}

/** Each neuron's activation times its output row on the direction. */
function neuronTerms(subject: Subject, cache: Cache, position: number, reads: ReadDirections): Float64Array[] {
  return subject.tower.blocks.map(({ mlp }, layer) => {
    if (!mlp) {
      return new Float64Array();
    }
    const rows = subject.weights.read('W_out', { layers: [layer] }).data as Float32Array;
    const direction = reads.mlp[layer];
    const width = direction.length;
    const factor = mlp.outScale?.factor ?? 1;
    return rowOf(cache, neuronHook(subject, layer), position).map(
      (value, neuron) => factor * value * dot(rows.subarray(neuron * width, (neuron + 1) * width), direction)
    );
  });
}
