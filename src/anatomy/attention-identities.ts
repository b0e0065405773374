import type { Block } from './anatomy';
import {
  against,
  attentionInput,
  behindNorm,
  hooksOf,
  layerOutput,
  normOf,
  someRows,
  timesScale,
  type CheckContext,
  type Outcome
} from './identity';

/** Below this a score is masked: files use −∞, −3.4e38 or −1e4 and beyond for half precision. */
const MASKED = -9e3;

/** Rows are not negative and sum to 1; to 0 where the scores say that all is masked. */
export const rowsSumToOne = (context: CheckContext, layer: number): Outcome => {
  const pattern = hooksOf(context, layer, ['attn.hook_pattern'])?.['attn.hook_pattern'];
  const scores = hooksOf(context, layer, ['attn.hook_attn_scores'])?.['attn.hook_attn_scores'];
  const width = context.probe[0].length;
  if (!pattern) {
    return undefined;
  }
  const rows = Array.from({ length: pattern.length / width }, (_, row) => row * width);
  const sums = Float64Array.from(rows, start =>
    pattern.subarray(start, start + width).reduce((sum, value) => sum + value, 0)
  );
  const masked = (start: number): boolean =>
    scores?.subarray(start, start + width).every(score => score <= MASKED) ?? false;
  const negative = pattern.some(value => value < 0);
  return {
    file: sums,
    computed: sums.map((sum, row) => (negative ? NaN : sum === 0 && masked(rows[row]) ? 0 : 1))
  };
};

/** Causal: nothing above the diagonal. Else: something above it, in some head, or the file's mask was not understood. */
export const respectsMask = (context: CheckContext, layer: number): Outcome => {
  const pattern = hooksOf(context, layer, ['attn.hook_pattern'])?.['attn.hook_pattern'];
  const width = context.probe[0].length;
  if (!pattern || width < 2) {
    return undefined;
  }
  const later = pattern.filter((_, i) => i % width > Math.floor(i / width) % width);
  if (context.tower.causal) {
    return { file: Float64Array.of(...later, 1), computed: Float64Array.of(...later.map(() => 0), 1) };
  }
  return { file: Float64Array.of(1), computed: Float64Array.of(later.some(value => value > 1e-6) ? 1 : 0) };
};

export const softmaxOfScores = (context: CheckContext, layer: number): Outcome => {
  const found = hooksOf(context, layer, ['attn.hook_attn_scores', 'attn.hook_pattern']);
  const width = context.probe[0].length;
  if (!found) {
    return undefined;
  }
  const scores = found['attn.hook_attn_scores'];
  const open = (row: number): boolean => scores.subarray(row * width, (row + 1) * width).some(score => score > MASKED);
  return {
    file: found['attn.hook_pattern'],
    computed: softmaxRows(scores, width),
    where: i => open(Math.floor(i / width))
  };
};

const softmaxRows = (scores: Float64Array, width: number): Float64Array => {
  const out = new Float64Array(scores.length);
  for (let start = 0; start < scores.length; start += width) {
    const row = scores.subarray(start, start + width);
    const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = row.map(score => Math.exp(score - top));
    const total = powers.reduce((sum, power) => sum + power, 0);
    powers.forEach((power, i) => (out[start + i] = power / total));
  }
  return out;
};

/** scores = scale · q·kᵀ where not masked; key heads serve as many query heads in a row. */
export const queryKeyProducts = (context: CheckContext, { attention, norms }: Block, layer: number): Outcome => {
  const { heads, kvHeads, dHead, positional } = context.tower;
  const rotary = attention.rotary ? 'hook_rot_' : 'hook_';
  const names = [`attn.${rotary}q`, `attn.${rotary}k`, 'attn.hook_attn_scores', 'attn.hook_pattern'];
  const found = hooksOf(context, layer, names);
  if (!found) {
    return undefined;
  }
  const { softcap } = attention;
  const normed = !attention.rotary && norms.some(({ role }) => role === 'q_norm' || role === 'k_norm');
  if (attention.scale === undefined || normed || positional === 'alibi' || positional === 'relative') {
    return 'scores are more than a scaled product of queries and keys';
  }
  const [q, k, scores, pattern] = names.map(name => found[name]);
  const length = context.probe[0].length;
  const computed = Float64Array.from(scores, (_, i) => {
    const [key, query, head, batch] = coordinates(i, [length, length, heads]);
    const at = (batch * length + query) * heads * dHead + head * dHead;
    const to = (batch * length + key) * kvHeads * dHead + Math.floor((head * kvHeads) / heads) * dHead;
    let sum = 0;
    for (let d = 0; d < dHead; d++) {
      sum += q[at + d] * k[to + d];
    }
    const score = sum * attention.scale!;
    return softcap === undefined ? score : softcap * Math.tanh(score / softcap);
  });
  return { file: scores, computed, where: i => scores[i] > MASKED && pattern[i] > 0 };
};

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
export const patternTimesValues = (context: CheckContext, layer: number): Outcome => {
  const found = hooksOf(context, layer, ['attn.hook_pattern', 'attn.hook_v', 'attn.hook_z']);
  const { heads, kvHeads, dHead } = context.tower;
  const length = context.probe[0].length;
  if (!found) {
    return undefined;
  }
  const [pattern, v, z] = [found['attn.hook_pattern'], found['attn.hook_v'], found['attn.hook_z']];
  const computed = Float64Array.from(z, (_, i) => {
    const [d, head, query, batch] = coordinates(i, [dHead, heads, length]);
    let sum = 0;
    for (let key = 0; key < length; key++) {
      const weight = pattern[((batch * heads + head) * length + query) * length + key];
      sum += weight * v[((batch * length + key) * kvHeads + Math.floor((head * kvHeads) / heads)) * dHead + d];
    }
    return sum;
  });
  return { file: z, computed };
};

/** attn_out = z · W_O + b, and the norm and the factor behind it where there are. */
export const outputProjection = (context: CheckContext, block: Block, layer: number): Outcome => {
  const found = hooksOf(context, layer, ['attn.hook_z', 'hook_attn_out']);
  const { heads, dHead, dModel } = context.tower;
  if (!found) {
    return undefined;
  }
  const y = layerOutput(context, found['attn.hook_z'], heads * dHead, block.attention.o);
  const normed = behindNorm(context, y, normOf(block, 'ln1_post'));
  return against(context, found.hook_attn_out, dModel, timesScale(context, normed, block.attention.outScale));
};

export const inputProjection =
  (name: 'q' | 'k' | 'v') =>
  (context: CheckContext, block: Block, layer: number): Outcome => {
    const { heads, kvHeads, dHead, dModel } = context.tower;
    const input = attentionInput(context, block);
    const found = hooksOf(context, layer, [input, `attn.hook_${name}`]);
    const width = (name === 'q' ? heads : kvHeads) * dHead;
    if (!found) {
      return undefined;
    }
    const file = someRows(context, found[`attn.hook_${name}`], width);
    const y = layerOutput(context, found[input], dModel, block.attention[name]);
    return typeof y !== 'string' && y.length !== file.length
      ? `where ${name} lies in its weight is not known`
      : against(context, found[`attn.hook_${name}`], width, y);
  };
