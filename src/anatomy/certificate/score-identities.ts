import type { Numbers } from '../../onnx/numbers';
import { coordinates, lengthsOf, MASKED, type AttentionPart } from './attention-part';
import { largestOf } from './deviation';
import type { Block } from '../anatomy';
import { hooksOf, inBlock, normOf, type CheckContext, type Outcome } from './identity';
import { normedHeads } from './normed-heads';
import { boundOn, roundOn } from './rounding';
import type { Leg, Route } from './routes';

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
  if (attention.scale === undefined) {
    return MORE_THAN_PRODUCTS;
  }
  const self = own === 'attn';
  const [q, k] =
    self && !attention.rotary ? normedVectors(context, block, found, names) : names.map(name => found[name]);
  if (typeof q === 'string' || typeof k === 'string') {
    return typeof q === 'string' ? q : (k as string);
  }
  const [scores, pattern] = names.slice(2).map(name => found[name]);
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

/** Queries and keys that are not rotated, behind their norms where there are. */
const normedVectors = (
  context: CheckContext,
  block: Block,
  found: Readonly<Record<string, Numbers>>,
  names: readonly string[]
): readonly (Numbers | string)[] => {
  const { heads, kvHeads, dHead } = context.tower;
  return (['q', 'k'] as const).map((name, i) =>
    normedHeads(context, found[names[i]], normOf(block, `${name}_norm`), [heads, kvHeads][i] * dHead, dHead)
  );
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
  q: Numbers,
  k: Numbers,
  count: number
): Float64Array => {
  const { heads, kvHeads } = tower;
  const dHead = tower.dQuery ?? tower.dHead;
  const out = new Float64Array(count);
  const [queriesOf, keysOf] = [q, k].map(x => (x instanceof Float64Array ? x : new Float64Array(x)));
  for (let row = 0; row < count; row += keys) {
    const [query, head, batch] = coordinates(row / keys, [queries, heads]);
    const at = (batch * queries + query) * heads * dHead + head * dHead;
    for (let key = 0; key < keys; key++) {
      const to = (batch * keys + key) * kvHeads * dHead + Math.floor((head * kvHeads) / heads) * dHead;
      const score = dotAt(queriesOf, at, keysOf, to, dHead) * scale!;
      out[row + key] = softcap === undefined ? score : softcap * Math.tanh(score / softcap);
    }
  }
  return out;
};

/** Σ a[at + i] · b[to + i], in arrays of one type and without a view for each of a pattern's numbers. */
const dotAt = (a: Float64Array, at: number, b: Float64Array, to: number, width: number): number => {
  let sum = 0;
  for (let i = 0; i < width; i++) {
    sum += a[at + i] * b[to + i];
  }
  return sum;
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
  scores: Numbers,
  open: (i: number) => boolean
): Outcome => {
  const size = scores.length / probe.length;
  const first = (i: number): number => i % size;
  const computed = products.map((product, i) => product + scores[first(i)] - products[first(i)]);
  const where = (i: number): boolean => i >= size && open(i) && open(first(i));
  const told = Array.from(scores.keys()).filter(where);
  const largest = largestOf({ file: scores, computed, where: open });
  const off = told.some(i => Math.abs(scores[i] - computed[i]) > SAME * largest);
  return told.length === 0 || (off && tower.positional === 'relative')
    ? MORE_THAN_PRODUCTS
    : { file: scores, computed, where };
};

/** Positions that are added to the scores. */
const BIASED: ReadonlySet<string> = new Set(['alibi', 'relative']);
