import type { Attention, Block, Projection } from '../anatomy';
import {
  attentionInput,
  behindNorm,
  crossInput,
  hooksOf,
  inBlock,
  normOf,
  PERIOD,
  product,
  timesScale,
  type CheckContext,
  type Outcome
} from './identity';
import { boundOn, roundOn } from './rounding';
import type { Leg, Route } from './routes';

/** One attention of a block: its own, or the one that reads another tower. */
export interface AttentionPart {
  readonly name: 'attn' | 'cross_attn';
  readonly attention: Attention;
  readonly block: Block;
}

/** Positions of queries and of keys, as the pattern has them. */
const lengthsOf = (
  context: CheckContext,
  layer: number,
  { name }: AttentionPart
): { readonly queries: number; readonly keys: number } => {
  const dims = context.hook(`blocks.${layer}.${name}.hook_pattern`)?.dims;
  const length = context.probe[0].length;
  return { queries: dims?.[2] ?? length, keys: dims?.[3] ?? length };
};

/** Below this a score is masked: files use −∞, −3.4e38 or −1e4 and beyond for half precision. */
const MASKED = -9e3;

/** Rows are not negative and sum to 1, or with a sink to what it leaves of 1; to 0 where the scores say that all is masked. */
export const rowsSumToOne = (context: CheckContext, part: AttentionPart, layer: number): Outcome => {
  const names = [`${part.name}.hook_pattern`, `${part.name}.hook_attn_scores`];
  const [pattern, scores] = names.map(name => hooksOf(context, layer, [name])?.[name]);
  const lengths = lengthsOf(context, layer, part);
  const { keys: width } = lengths;
  const sinks = sinksOf(context, part);
  if (!pattern) {
    return undefined;
  }
  if (typeof sinks === 'string' || (part.attention.sink !== undefined && !scores)) {
    return UNREAD_SINK;
  }
  const rows = Array.from({ length: pattern.length / width }, (_, row) => row * width);
  const sumOf = (values: Float64Array, start: number): number =>
    values.subarray(start, start + width).reduce((sum, value) => sum + value, 0);
  const sums = Float64Array.from(rows, start => sumOf(pattern, start));
  const masked = (start: number): boolean =>
    scores?.subarray(start, start + width).every(score => score <= MASKED) ?? false;
  const negative = pattern.some(value => value < 0);
  const route = context.route(inBlock(layer, names[1]), inBlock(layer, names[0]), 'softmax');
  if (typeof route === 'string') {
    return route;
  }
  const known = scores && (sinks || route);
  const whole = known
    ? softmaxRows(roundOn(scores, route?.before), width, sinkOfRow(context, lengths, sinks))
    : undefined;
  const { y: soft, slack } = whole ? boundOn(whole, route?.after) : { y: undefined, slack: 0 };
  const wanted = (start: number): number => (soft ? sumOf(soft, start) : 1);
  return {
    file: sums,
    computed: sums.map((sum, row) => (negative ? NaN : sum === 0 && masked(rows[row]) ? 0 : wanted(rows[row]))),
    slack: slack * width
  };
};

const UNREAD_SINK = 'its sink is not stored as numbers that are understood';

/** The number that the softmax takes beside a row of scores, or why it is not known; undefined without a sink. */
const sinksOf = (context: CheckContext, part: AttentionPart): ((head: number) => number) | string | undefined => {
  const { sink } = part.attention;
  const numbers = sink === undefined ? undefined : context.read(sink)?.data;
  const { heads } = context.tower;
  if (sink === undefined) {
    return undefined;
  }
  return numbers && [1, heads].includes(numbers.length) ? head => numbers[head % numbers.length] : UNREAD_SINK;
};

/** Causal: nothing above the diagonal. Else: something above it, in some head, or the file's mask was not understood. */
export const respectsMask = (context: CheckContext, part: AttentionPart, layer: number): Outcome => {
  const pattern = hooksOf(context, layer, ['attn.hook_pattern'])?.['attn.hook_pattern'];
  const width = context.probe[0].length;
  if (!pattern || width < 2 || part.name === 'cross_attn') {
    return undefined;
  }
  const { places, probe } = context;
  const queries = places ?? probe[0].map((_, at) => at);
  const later = pattern.filter((_, i) => i % width > queries[Math.floor(i / width) % queries.length]);
  if (context.tower.causal) {
    return { file: Float64Array.of(...later, 1), computed: Float64Array.of(...later.map(() => 0), 1) };
  }
  return { file: Float64Array.of(1), computed: Float64Array.of(later.some(value => value > 1e-6) ? 1 : 0) };
};

export const softmaxOfScores = (context: CheckContext, part: AttentionPart, layer: number): Outcome => {
  const names = [`${part.name}.hook_attn_scores`, `${part.name}.hook_pattern`];
  const found = hooksOf(context, layer, names);
  const lengths = lengthsOf(context, layer, part);
  const { keys: width } = lengths;
  const sinks = sinksOf(context, part);
  if (!found || typeof sinks === 'string') {
    return found && UNREAD_SINK;
  }
  const scores = found[names[0]];
  const open = (row: number): boolean => scores.subarray(row * width, (row + 1) * width).some(score => score > MASKED);
  const route = context.route(inBlock(layer, names[0]), inBlock(layer, names[1]), 'softmax');
  if (typeof route === 'string') {
    return route;
  }
  const read = roundOn(scores, route?.before);
  const { y, slack } = boundOn(softmaxRows(read, width, sinkOfRow(context, lengths, sinks)), route?.after);
  return { file: found[names[1]], computed: y, where: i => open(Math.floor(i / width)), slack };
};

type SinkOfRow = (row: number) => number;

/** Rows [batch, head, query]; no sink is one of −∞. */
const sinkOfRow = (
  { tower }: CheckContext,
  { queries }: ReturnType<typeof lengthsOf>,
  sinks: ((head: number) => number) | undefined
): SinkOfRow => (sinks ? row => sinks(coordinates(row, [queries, tower.heads])[1]) : () => -Infinity);

const softmaxRows = (scores: Float64Array, width: number, sink: SinkOfRow): Float64Array => {
  const out = new Float64Array(scores.length);
  for (let start = 0; start < scores.length; start += width) {
    const row = scores.subarray(start, start + width);
    const beside = sink(start / width);
    const top = row.reduce((a, b) => Math.max(a, b), beside);
    const powers = row.map(score => Math.exp(score - top));
    const total = powers.reduce((sum, power) => sum + power, Math.exp(beside - top));
    powers.forEach((power, i) => (out[start + i] = power / total));
  }
  return out;
};

/**
 * scores = scale · q·kᵀ where not masked, or what a block's own attention adds besides is a bias of positions; key heads serve as many query heads in a
 * row.
 */
export const queryKeyProducts = (context: CheckContext, part: AttentionPart, layer: number): Outcome => {
  const { name: own, attention, block } = part;
  const rotary = attention.rotary ? 'hook_rot_' : 'hook_';
  const names = [`${rotary}q`, `${rotary}k`, 'hook_attn_scores', 'hook_pattern'].map(hook => `${own}.${hook}`);
  const found = hooksOf(context, layer, names);
  if (!found) {
    return undefined;
  }
  const self = own === 'attn';
  const normed = self && !attention.rotary && block.norms.some(({ role }) => role === 'q_norm' || role === 'k_norm');
  if (attention.scale === undefined || normed) {
    return MORE_THAN_PRODUCTS;
  }
  const [q, k, scores, pattern] = names.map(name => found[name]);
  const open = (i: number): boolean => scores[i] > MASKED && pattern[i] > 0;
  const rounded = roundedProducts(context, part, layer, [names[0], names[1], names[2]]);
  if (typeof rounded === 'string') {
    return rounded;
  }
  if (rounded) {
    const { scale, legs, factors } = rounded;
    const [a, b] = [q, k].map((x, i) => roundOn(x, legs[i].before, factors[i]));
    const plain = scaledProducts(
      context,
      { ...part, attention: { ...attention, scale: 1 } },
      lengthsOf(context, layer, part),
      a,
      b,
      scores.length
    );
    const { y, slack } = boundOn(plain, legs[0].after, { factor: scale });
    return { file: scores, computed: y, where: open, slack };
  }
  const products = scaledProducts(context, part, lengthsOf(context, layer, part), q, k, scores.length);
  return self && BIASED.has(context.tower.positional)
    ? biasedProducts(context, products, scores, open)
    : { file: scores, computed: products, where: open };
};

interface RoundedProducts {
  /** Of queries and of keys. */
  readonly legs: readonly [Route, Route];
  /** What stands for factors that the graph computes: of queries, of keys, and behind the product. */
  readonly factors: readonly [number, number];
  readonly scale: number;
}

/** How queries and keys come to their product, and that to the scores, where the file rounds on the way. */
const roundedProducts = (
  context: CheckContext,
  { attention: { scale, scales, softcap } }: AttentionPart,
  layer: number,
  [q, k, scores]: readonly [string, string, string]
): RoundedProducts | string | undefined => {
  const legs = [q, k].map(name => context.route(inBlock(layer, name), inBlock(layer, scores), 'product'));
  const unknown = legs.find(route => typeof route === 'string');
  if (unknown !== undefined || legs.every(route => route === undefined)) {
    return unknown;
  }
  if (!scales || scale === undefined || softcap !== undefined || BIASED.has(context.tower.positional)) {
    return 'scores are rounded, and more than a scaled product of queries and keys';
  }
  const both = legs.map(route => route ?? { before: [], after: [] }) as readonly Route[];
  const [ofQ, ofK] = [scales.q, scales.k].map((total, i) => total / knownFactor(both[i].before));
  const behind = scale / (scales.q * scales.k) / knownFactor(both[0].after);
  return { legs: [both[0], both[1]], factors: [ofQ, ofK], scale: behind };
};

const knownFactor = (legs: readonly Leg[]): number =>
  legs.reduce((product, leg) => ('scales' in leg && leg.scales !== null ? product * leg.scales : product), 1);

const MORE_THAN_PRODUCTS = 'scores are more than a scaled product of queries and keys';

/** scale · q·kᵀ, soft-capped, laid out as scores [batch, head, query, key]. */
const scaledProducts = (
  { tower }: CheckContext,
  { attention: { scale, softcap } }: AttentionPart,
  { queries, keys }: ReturnType<typeof lengthsOf>,
  q: Float64Array,
  k: Float64Array,
  count: number
): Float64Array => {
  const { heads, kvHeads } = tower;
  const dHead = tower.dQuery ?? tower.dHead;
  const out = new Float64Array(count);
  for (let row = 0; row < count; row += keys) {
    const [query, head, batch] = coordinates(row / keys, [queries, heads]);
    const at = (batch * queries + query) * heads * dHead + head * dHead;
    for (let key = 0; key < keys; key++) {
      const to = (batch * keys + key) * kvHeads * dHead + Math.floor((head * kvHeads) / heads) * dHead;
      let sum = 0;
      for (let d = 0; d < dHead; d++) {
        sum += q[at + d] * k[to + d];
      }
      const score = sum * scale!;
      out[row + key] = softcap === undefined ? score : softcap * Math.tanh(score / softcap);
    }
  }
  return out;
};

/** Of what is added to the products: a bias of positions is the same for every sequence. */
const SAME = 1e-2;

/**
 * Scores with a bias of positions (ALiBi, T5, MPNet): the first sequence of the probe tells it, the others' scores are their products and that bias. Where it
 * depends on the tokens (DeBERTa) nothing is told.
 */
const biasedProducts = (
  { probe, tower }: CheckContext,
  products: Float64Array,
  scores: Float64Array,
  open: (i: number) => boolean
): Outcome => {
  const size = scores.length / probe.length;
  const first = (i: number): number => i % size;
  const computed = products.map((product, i) => product + scores[first(i)] - products[first(i)]);
  const where = (i: number): boolean => i >= size && open(i) && open(first(i));
  const some = scores.some((_, i) => where(i));
  const largest = scores.reduce((most, score, i) => (open(i) ? Math.max(most, Math.abs(score)) : most), 0);
  const off = scores.some((score, i) => where(i) && Math.abs(score - computed[i]) > SAME * largest);
  return !some || (off && tower.positional === 'relative') ? MORE_THAN_PRODUCTS : { file: scores, computed, where };
};

/** Positions that are added to the scores. */
const BIASED: ReadonlySet<string> = new Set(['alibi', 'relative']);

const coordinates = (index: number, sizes: readonly number[]): readonly number[] => {
  let rest = index;
  const out = sizes.map(size => {
    const at = rest % size;
    rest = Math.floor(rest / size);
    return at;
  });
  return [...out, rest];
};

/** z = pattern · v, value heads serving as many query heads in a row. */
export const patternTimesValues = (context: CheckContext, part: AttentionPart, layer: number): Outcome => {
  const names = ['hook_pattern', 'hook_v', 'hook_z'].map(hook => `${part.name}.${hook}`);
  const found = hooksOf(context, layer, names);
  const { heads, kvHeads, dHead } = context.tower;
  const { queries, keys } = lengthsOf(context, layer, part);
  if (!found) {
    return undefined;
  }
  const [p, values, z] = names.map(name => found[name]);
  const routes = names
    .slice(0, 2)
    .map(name => context.route(inBlock(layer, name), inBlock(layer, names[2]), 'product'));
  const [ofPattern, ofValues] = routes;
  if (typeof ofPattern === 'string' || typeof ofValues === 'string') {
    return typeof ofPattern === 'string' ? ofPattern : (ofValues as string);
  }
  const [pattern, v] = [roundOn(p, ofPattern?.before), roundOn(values, ofValues?.before)];
  const computed = new Float64Array(z.length);
  for (let at = 0; at < z.length; at += dHead) {
    const [head, query, batch] = coordinates(at / dHead, [heads, queries]);
    const row = ((batch * heads + head) * queries + query) * keys;
    for (let key = 0; key < keys; key++) {
      const from = ((batch * keys + key) * kvHeads + Math.floor((head * kvHeads) / heads)) * dHead;
      for (let d = 0; d < dHead; d++) {
        computed[at + d] += pattern[row + key] * v[from + d];
      }
    }
  }
  const { y, slack } = boundOn(computed, ofPattern?.after ?? ofValues?.after);
  return { file: z, computed: y, slack };
};

/** attn_out = z · W_O + b, and the norm and the factor behind it where there are. */
export const outputProjection = (context: CheckContext, part: AttentionPart, layer: number): Outcome => {
  const { name, attention, block } = part;
  const names = [`${name}.hook_z`, `hook_${name}_out`];
  const found = hooksOf(context, layer, names);
  const { heads, dHead, dModel } = context.tower;
  if (!found) {
    return undefined;
  }
  const norm = name === 'attn' ? normOf(block, 'ln1_post') : undefined;
  const { o: projection, outScale } = attention;
  const [x, file] = names.map(hook => found[hook]);
  const route = context.route(inBlock(layer, names[0]), inBlock(layer, names[1]), 'product');
  return product(
    context,
    { file, x, from: heads * dHead, to: dModel, projection, period: PERIOD, route },
    norm || outScale ? y => timesScale(context, behindNorm(context, y, norm), outScale) : undefined
  );
};

export const inputProjection =
  (name: 'q' | 'k' | 'v') =>
  (context: CheckContext, part: AttentionPart, layer: number): Outcome => {
    const { heads, kvHeads, dHead, dModel } = context.tower;
    const input = readBy(context, part, name);
    const hook = `${part.name}.hook_${name}`;
    const found = hooksOf(context, layer, [input, hook]);
    const width = (name === 'q' ? heads : kvHeads) * dHead;
    if (!found || part.attention.latent) {
      return undefined;
    }
    const from = input === STATES ? (context.hook(STATES.slice(1))?.dims.at(-1) ?? dModel) : dModel;
    const x = found[input];
    // Of keys and values all places are there, of what they read the sampled ones.
    const file =
      context.places && part.name === 'attn' && name !== 'q' ? rowsAt(found[hook], width, context.places) : found[hook];
    const projection = part.attention[name];
    const route = context.route(inBlock(layer, input), inBlock(layer, hook), 'product');
    return product(context, { file, x, from, to: width, projection, period: dHead, route }, cutOff(projection));
  };

/** Of one sequence [pos, width]. */
const rowsAt = (x: Float64Array, width: number, places: readonly number[]): Float64Array => {
  const out = new Float64Array(places.length * width);
  places.forEach((place, i) => out.set(x.subarray(place * width, (place + 1) * width), i * width));
  return out;
};

/** min(max(y, low), high) */
const cutOff = ({ clip }: Projection): ((y: Float64Array | string) => Float64Array | string) | undefined =>
  clip && (y => (typeof y === 'string' ? y : y.map(value => Math.min(Math.max(value, clip[0]), clip[1]))));

/** A hook of the tower, not of the block. */
const STATES = '/hook_encoder_states';

/** What a projection reads: cross-attention's queries the stream behind the self-attention, its keys and values another tower's states. */
const readBy = (context: CheckContext, { name, block }: AttentionPart, projection: 'q' | 'k' | 'v'): string => {
  if (name === 'attn') {
    return attentionInput(context, block);
  }
  return projection === 'q' ? crossInput(context, block) : STATES;
};
