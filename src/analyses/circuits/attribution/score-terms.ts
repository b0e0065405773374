import type { Context } from '../../../subject/context';
import type { Cache, Subject } from '../../../subject/subject';
import { topK } from '../../../maths/top-k';
import { floats } from '../../floats';
import { blockHook, missingHook } from '../../hooks';
import { quiet } from '../../quiet';
import { sideHooks, sideTerms, type Side, type Term } from './attention-side';
import { dot, headFactor, partHooks, refusesParts, streamParts, type StreamPart } from '../stream-parts';

export interface ScoreRequest {
  readonly ids: readonly number[];
  readonly layer: number;
  readonly head: number;
  readonly query: number;
  /** One key, or two for the difference of their scores; absent: the position attended most. */
  readonly keys?: readonly number[];
  /** The stream's parts: single heads, or each layer's attention as one. */
  readonly by: 'head' | 'layer';
}

export interface ScoreTerms {
  readonly keys: readonly number[];
  /** Of the key (difference of the two keys) and of the query. */
  readonly queryNames: readonly string[];
  readonly keyNames: readonly string[];
  /** [query part][key part], in the scores' unit. */
  readonly values: readonly Float64Array[];
  /** The model's own score of each key. */
  readonly scores: readonly number[];
  /** Attention weight of each key. */
  readonly weights: readonly number[];
  /** What the head moves from the first key: weight · v·W_O, each part's share along the direction of the whole, so that they add up to its length. */
  readonly writes: readonly { readonly name: string; readonly value: number }[];
}

/** Of |q|·|k|·scale: what half precision may round. */
const TOLERANCE = 2e-3;

const hookOf = (subject: Subject, layer: number, name: 'pattern' | 'attn_scores'): string =>
  blockHook(subject, layer, `attn.hook_${name}`);

export const scoreHooks = (subject: Subject, layer: number): string[] => [
  ...new Set([
    ...partHooks(subject, layer),
    ...sideHooks(subject, layer),
    hookOf(subject, layer, 'attn_scores'),
    hookOf(subject, layer, 'pattern')
  ])
];

/** Why the scores of no layer, or of this one, are sums of products, or undefined when they are. */
export function refusesScores(subject: Subject, layer: number): string | undefined {
  const { positional, blocks } = subject.tower;
  const { attention, norms } = blocks[layer];
  if (positional === 'alibi' || positional === 'relative') {
    return `its scores hold ${positional === 'alibi' ? 'ALiBi’s' : 'relative'} position biases besides the product of queries and keys`;
  }
  if (attention.softcap !== undefined) {
    return `layer ${layer} soft-caps its scores, ${attention.softcap} · tanh(score/${attention.softcap}), which is no sum of terms`;
  }
  if (attention.scale === undefined) {
    return `the scale that layer ${layer} multiplies its scores by is not known`;
  }
  const norm = norms.find(({ role, epsilon }) => ['ln1', 'q_norm', 'k_norm'].includes(role) && epsilon === undefined);
  if (norm) {
    return `the ${norm.role} of layer ${layer} has no known epsilon`;
  }
  return refusesParts(subject) ?? missingHook(subject, scoreHooks(subject, layer));
}

/** One forward: scale · q·k of one head, taken apart on both sides. */
export async function scoreTerms(subject: Subject, request: ScoreRequest, context: Context): Promise<ScoreTerms> {
  const { ids, layer, head, query } = request;
  const cache = await subject.forward({ ids: [ids], hooks: scoreHooks(subject, layer) }, quiet(context));
  const pattern = rowOf(subject, cache, request, 'pattern');
  const keys = request.keys ?? topK(pattern, 1);
  const parts = (position: number): Term[] => grouped(streamParts(subject, cache, layer, position), request.by);
  const side = (part: Side['part'], position: number, of = parts(position)): Term[] =>
    sideTerms(subject, cache, of, { part, layer, head, position });
  const queries = side('Q', query);
  const first = parts(keys[0]);
  const products = keys.map((position, at) => {
    const own = scoreOf(subject, cache, request, position);
    const terms = side('K', position, at === 0 ? first : parts(position));
    return { own, names: terms.map(({ name }) => name), values: multiplied(subject, request, queries, terms, own) };
  });
  const [one, other] = products;
  return {
    keys,
    queryNames: queries.map(({ name }) => name),
    keyNames: one.names,
    values: one.values.map((row, q) => (other ? row.map((value, k) => value - other.values[q][k]) : row)),
    scores: products.map(({ own }) => own),
    weights: keys.map(position => pattern[position]),
    writes: writeTerms(subject, request, side('V', keys[0], first), pattern[keys[0]])
  };
}

/** The heads and the bias of each layer as one part, where layers are asked for. */
function grouped(parts: readonly StreamPart[], by: ScoreRequest['by']): Term[] {
  const groups = new Map<string, Float64Array>();
  for (const { name, kind, layer, vector } of parts) {
    const group = by === 'layer' && (kind === 'head' || kind === 'bias') ? `attention ${layer}` : name;
    const sum = groups.get(group);
    groups.set(group, sum ? sum.map((value, m) => value + vector[m]) : vector);
  }
  return Array.from(groups, ([name, vector]) => ({ name, vector }));
}

/** The query's row [key_pos] of a hook of all heads. */
function rowOf(
  subject: Subject,
  cache: Cache,
  { ids, layer, head, query }: ScoreRequest,
  name: 'pattern' | 'attn_scores'
): Float32Array {
  const hook = hookOf(subject, layer, name);
  const at = (head * ids.length + query) * ids.length;
  return floats(cache.get(hook), hook).subarray(at, at + ids.length);
}

function scoreOf(subject: Subject, cache: Cache, request: ScoreRequest, key: number): number {
  if (!(rowOf(subject, cache, request, 'pattern')[key] > 0)) {
    const { layer, head, query } = request;
    throw new Error(`score masked: L${layer}H${head} gives no weight to position ${key} from position ${query}`);
  }
  return rowOf(subject, cache, request, 'attn_scores')[key];
}

/** scale · q_a·k_b; throws where their sum is not the model's own score. */
function multiplied(
  subject: Subject,
  { layer, head }: ScoreRequest,
  queries: readonly Term[],
  keys: readonly Term[],
  own: number
): Float64Array[] {
  const scale = subject.tower.blocks[layer].attention.scale!;
  const values = queries.map(q => Float64Array.from(keys, k => scale * dot(q.vector, k.vector)));
  const sum = values.reduce((all, row) => all + row.reduce((a, b) => a + b, 0), 0);
  const size = Math.abs(scale) * length(total(queries)) * length(total(keys));
  if (!(Math.abs(sum - own) <= TOLERANCE * Math.max(size, 1))) {
    throw new Error(
      `terms do not add up: they make ${sum.toPrecision(5)} where L${layer}H${head}'s own score is ${own.toPrecision(5)}`
    );
  }
  return values;
}

const total = (terms: readonly Term[]): Float64Array =>
  terms.reduce((sum, { vector }) => sum.map((value, d) => value + vector[d]), new Float64Array(terms[0].vector.length));

const length = (vector: Float64Array): number => Math.sqrt(dot(vector, vector));

function writeTerms(
  subject: Subject,
  { layer, head }: ScoreRequest,
  terms: readonly Term[],
  weight: number
): { readonly name: string; readonly value: number }[] {
  const { dims, data } = subject.weights.read('W_O', { layers: [layer], heads: [head] });
  const [width, dModel] = dims.slice(-2);
  const rows = Array.from({ length: width }, (_, d) => (data as Float32Array).subarray(d * dModel, (d + 1) * dModel));
  const whole = total(terms);
  const write = new Float64Array(dModel);
  rows.forEach((row, d) => row.forEach((value, m) => (write[m] += whole[d] * value)));
  const size = length(write) || 1;
  const along = rows.map(row => (weight * headFactor(subject, layer) * dot(row, write)) / size);
  return terms.map(({ name, vector }) => ({ name, value: dot(vector, along) }));
}
