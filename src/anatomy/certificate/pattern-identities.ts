import type { Numbers } from '../../onnx/numbers';
import { addTimes } from './add-times';
import { coordinates, lengthsOf, MASKED, type AttentionPart } from './attention-part';
import { hooksOf, inBlock, type CheckContext, type Outcome } from './identity';
import { boundOn, roundOn } from './rounding';

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
  const sumOf = (values: Numbers, start: number): number => {
    let sum = 0;
    for (let i = start; i < start + width; i++) {
      sum += values[i];
    }
    return sum;
  };
  const sums = Float64Array.from(rows, start => sumOf(pattern, start));
  const masked = (start: number): boolean => scores !== undefined && !isOpen(scores, start, width);
  const negative = anyNegative(pattern);
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
  const later = Float64Array.from(
    Array.from({ length: pattern.length / width }, (_, row) =>
      Array.from(pattern.subarray(row * width + queries[row % queries.length] + 1, (row + 1) * width))
    ).flat()
  );
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
  const open = Array.from({ length: scores.length / width }, (_, row) => isOpen(scores, row * width, width));
  const route = context.route(inBlock(layer, names[0]), inBlock(layer, names[1]), 'softmax');
  if (typeof route === 'string') {
    return route;
  }
  const read = roundOn(scores, route?.before);
  const { y, slack } = boundOn(softmaxRows(read, width, sinkOfRow(context, lengths, sinks)), route?.after);
  return { file: found[names[1]], computed: y, where: i => open[Math.floor(i / width)], slack };
};

type SinkOfRow = (row: number) => number;

/** Rows [batch, head, query]; no sink is one of −∞. */
const sinkOfRow = (
  { tower }: CheckContext,
  { queries }: ReturnType<typeof lengthsOf>,
  sinks: ((head: number) => number) | undefined
): SinkOfRow => (sinks ? row => sinks(coordinates(row, [queries, tower.heads])[1]) : () => -Infinity);

const softmaxRows = (scores: Numbers, width: number, sink: SinkOfRow): Float64Array => {
  const out = new Float64Array(scores.length);
  for (let start = 0; start < scores.length; start += width) {
    const beside = sink(start / width);
    let top = beside;
    for (let i = start; i < start + width; i++) {
      top = Math.max(top, scores[i]);
    }
    let total = Math.exp(beside - top);
    for (let i = start; i < start + width; i++) {
      out[i] = Math.exp(scores[i] - top);
      total += out[i];
    }
    for (let i = start; i < start + width; i++) {
      out[i] /= total;
    }
  }
  return out;
};

/** Something in this row of scores is not masked. */
const isOpen = (scores: Numbers, start: number, width: number): boolean => {
  for (let i = start; i < start + width; i++) {
    if (scores[i] > MASKED) {
      return true;
    }
  }
  return false;
};

const anyNegative = (x: Numbers): boolean => {
  for (let i = 0; i < x.length; i++) {
    if (x[i] < 0) {
      return true;
    }
  }
  return false;
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
      const share = pattern[row + key];
      // Half of a causal pattern is 0; that values are numbers is an identity of its own.
      if (share !== 0) {
        addTimes(computed.subarray(at, at + dHead), share, v.subarray(from, from + dHead));
      }
    }
  }
  const { y, slack } = boundOn(computed, ofPattern?.after ?? ofValues?.after);
  return { file: z, computed: y, slack };
};
