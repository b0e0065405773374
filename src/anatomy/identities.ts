import { toFloat64 } from '../onnx/decode-tensor';
import type { Tensor } from '../onnx/tensor';
import type { Block, NormPart, Tower } from './anatomy';
import { affine, project, standardise, type ReadMatrix } from './layer-maths';

/** Two sides of an identity, element by element: one as the file's run gave it, the other computed in float64. */
export interface Sides {
  readonly file: Float64Array;
  readonly computed: Float64Array;
  /** Elements to compare; all where absent. */
  readonly where?: (i: number) => boolean;
}

/** What the checks of one tower read. */
export interface CheckContext {
  readonly tower: Tower;
  readonly probe: readonly (readonly number[])[];
  /** A hook of this tower; undefined when it was not captured. */
  hook(name: string): Tensor | undefined;
  readonly read: ReadMatrix;
  /** Logits of the tower: untouched model, observed model, unembedding alone. */
  readonly logits: { readonly bare?: Tensor; readonly observed?: Tensor; readonly suffix?: Tensor };
}

/** Sides to compare; a string says why it cannot be checked; undefined where the model has no such part. */
export type Outcome = Sides | string | undefined;

/** Rounding class: products of weights, sums and copies, softmaxes; each with its tolerance for a type. */
export type Rounding = 'product' | 'sum' | 'softmax';

export type IdentityRow =
  | {
      readonly name: string;
      readonly rounding: Rounding;
      readonly scope: 'block';
      readonly check: (context: CheckContext, block: Block, layer: number) => Outcome;
    }
  | {
      readonly name: string;
      readonly rounding: Rounding;
      readonly scope: 'model';
      readonly check: (context: CheckContext) => Outcome;
    };

const values = (tensor: Tensor): Float64Array => toFloat64(tensor);

/** Below this a score is masked: files use −∞, −3.4e38 or −1e4 and beyond for half precision. */
const MASKED = -9e3;

type Numbers = Record<string, Float64Array>;

/** The named hooks of one block as numbers, or undefined when one of them is not there. */
const hooksOf = (context: CheckContext, layer: number, names: readonly string[]): Numbers | undefined => {
  const found = names.map(name => context.hook(name.startsWith('/') ? name.slice(1) : `blocks.${layer}.${name}`));
  return found.every(tensor => tensor !== undefined)
    ? Object.fromEntries(names.map((name, i) => [name, values(found[i]!)]))
    : undefined;
};

/** Every fifth row, three of a probe's fourteen and some of both sequences: a wrong weight shows in any, and wide models stay quick. */
const EVERY = 5;

const someRows = (x: Float64Array, width: number): Float64Array => {
  const picked = Array.from({ length: Math.ceil(x.length / width / EVERY) }, (_, i) => i * EVERY);
  const out = new Float64Array(picked.length * width);
  picked.forEach((row, i) => out.set(x.subarray(row * width, (row + 1) * width), i * width));
  return out;
};

const against = (file: Float64Array, width: number, computed: Float64Array | string): Outcome =>
  typeof computed === 'string' ? computed : { file: someRows(file, width), computed };

const rowsSumToOne = (context: CheckContext, layer: number): Outcome => {
  const pattern = hooksOf(context, layer, ['attn.hook_pattern'])?.['attn.hook_pattern'];
  const width = context.probe[0].length;
  if (!pattern) {
    return undefined;
  }
  const sums = Float64Array.from({ length: pattern.length / width }, (_, row) =>
    pattern.subarray(row * width, (row + 1) * width).reduce((sum, value) => sum + value, 0)
  );
  const negative = pattern.some(value => value < 0);
  return { file: sums, computed: sums.map(sum => (negative ? NaN : sum === 0 ? 0 : 1)) };
};

/** Causal: nothing above the diagonal. Else: something above it, in some head, or the file's mask was not understood. */
const respectsMask = (context: CheckContext, layer: number): Outcome => {
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

const softmaxOfScores = (context: CheckContext, layer: number): Outcome => {
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
const queryKeyProducts = (context: CheckContext, { attention, norms }: Block, layer: number): Outcome => {
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
const patternTimesValues = (context: CheckContext, layer: number): Outcome => {
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

const normOf = ({ norms }: Block, role: NormPart['role']): NormPart | undefined =>
  norms.find(norm => norm.role === role);

/** attn_out = z · W_O + b, and the norm behind it where there is one. */
const outputProjection = (context: CheckContext, block: Block, layer: number): Outcome => {
  const found = hooksOf(context, layer, ['attn.hook_z', 'hook_attn_out']);
  const { heads, dHead, dModel } = context.tower;
  if (!found) {
    return undefined;
  }
  const y = project(someRows(found['attn.hook_z'], heads * dHead), block.attention.o, context.read);
  return against(found.hook_attn_out, dModel, behindNorm(context, y, normOf(block, 'ln1_post')));
};

const behindNorm = (
  { tower, read }: CheckContext,
  y: Float64Array | string,
  norm: NormPart | undefined
): Float64Array | string =>
  typeof y === 'string' || !norm ? y : affine(standardise(y, norm, tower.dModel), norm, read, tower.dModel);

/** What q, k and v read: the first norm's output, or the stream itself. */
const attentionInput = ({ tower }: CheckContext, block: Block): string =>
  tower.norm.placement !== 'post' && normOf(block, 'ln1') ? 'ln1.hook_out' : 'hook_resid_pre';

const inputProjection =
  (name: 'q' | 'k' | 'v') =>
  (context: CheckContext, block: Block, layer: number): Outcome => {
    const { heads, kvHeads, dHead, dModel } = context.tower;
    const input = attentionInput(context, block);
    const found = hooksOf(context, layer, [input, `attn.hook_${name}`]);
    const width = (name === 'q' ? heads : kvHeads) * dHead;
    if (!found) {
      return undefined;
    }
    const x = someRows(found[input], dModel);
    const y = project(x, block.attention[name], context.read);
    return typeof y !== 'string' && y.length * dModel !== x.length * width
      ? `where ${name} lies in its weight is not known`
      : against(found[`attn.hook_${name}`], width, y);
  };

const sum = (context: CheckContext, layer: number, total: string, parts: readonly string[]): Outcome => {
  const found = hooksOf(context, layer, [total, ...parts]);
  return (
    found && {
      file: found[total],
      computed: found[total].map((_, i) => parts.reduce((x, part) => x + found[part][i], 0))
    }
  );
};

/** The stream behind the attention; in parallel blocks everything is added at once. */
const residualAddsAttention = (context: CheckContext, block: Block, layer: number): Outcome => {
  if (isParallel(block)) {
    return sum(context, layer, 'hook_resid_post', ['hook_resid_pre', 'hook_attn_out', 'hook_mlp_out']);
  }
  const after = block.residMid === undefined ? 'hook_resid_post' : 'hook_resid_mid';
  return sum(context, layer, after, ['hook_resid_pre', 'hook_attn_out']);
};

const isParallel = ({ mlp, residMid }: Block): boolean => mlp !== undefined && residMid === undefined;

const residualAddsMlp = (context: CheckContext, block: Block, layer: number): Outcome => {
  if (!block.mlp) {
    return undefined;
  }
  const before = context.tower.norm.placement === 'post' ? 'ln1.hook_out' : 'hook_resid_mid';
  const parts = isParallel(block) ? ['hook_resid_pre', 'hook_attn_out', 'hook_mlp_out'] : [before, 'hook_mlp_out'];
  return sum(context, layer, 'hook_resid_post', parts);
};

/** A block starts where the last one ended; the first one where the embeddings end. */
const residualChains = (context: CheckContext, block: Block, layer: number): Outcome => {
  if (layer === 0) {
    return undefined;
  }
  const before =
    context.tower.blocks[layer - 1].normalizedResidPost === undefined
      ? 'hook_resid_post'
      : 'hook_normalized_resid_post';
  const found = hooksOf(context, layer, ['hook_resid_pre', `/blocks.${layer - 1}.${before}`]);
  return found && { file: found.hook_resid_pre, computed: found[`/blocks.${layer - 1}.${before}`] };
};

/** mlp_out = post · W_out + b, and the norm behind it. */
const mlpOutput = (context: CheckContext, block: Block, layer: number): Outcome => {
  const found = hooksOf(context, layer, ['mlp.hook_post', 'hook_mlp_out']);
  const { dMlp, dModel } = context.tower;
  if (!found || !block.mlp?.out || dMlp === null) {
    return undefined;
  }
  const y = project(someRows(found['mlp.hook_post'], dMlp), block.mlp.out, context.read);
  return against(found.hook_mlp_out, dModel, behindNorm(context, y, normOf(block, 'ln2_post')));
};

const mlpInput =
  (hook: 'hook_pre' | 'hook_pre_linear') =>
  (context: CheckContext, block: Block, layer: number): Outcome => {
    const { dMlp, dModel, norm } = context.tower;
    const layerOf = hook === 'hook_pre' ? (block.mlp?.gate ?? block.mlp?.in) : block.mlp?.in;
    const placed =
      norm.placement === 'post'
        ? 'ln1.hook_out'
        : normOf(block, 'ln2')
          ? 'ln2.hook_out'
          : isParallel(block)
            ? attentionInput(context, block)
            : 'hook_resid_mid';
    const found = hooksOf(context, layer, [placed, `mlp.${hook}`]);
    if (!found || !layerOf || dMlp === null) {
      return undefined;
    }
    return against(found[`mlp.${hook}`], dMlp, project(someRows(found[placed], dModel), layerOf, context.read));
  };

/** Each norm's output from its input, weight and bias. `hook_normalized` is the input standardised. */
const norms = (context: CheckContext, prefix: string, parts: readonly NormPart[]): Outcome => {
  const width = context.tower.dModel;
  const sides = parts.flatMap(part => {
    const [normalised, out] = ['hook_normalized', 'hook_out'].map(name =>
      context.hook(`${prefix}${part.role}.${name}`)
    );
    const computed = normalised && out && affine(values(normalised), part, context.read, width);
    return out && computed !== undefined ? [{ file: values(out), computed }] : [];
  });
  const refused = sides.map(({ computed }) => computed).find(computed => typeof computed === 'string');
  if (refused !== undefined || sides.length === 0) {
    return refused;
  }
  return {
    file: joined(sides.map(({ file }) => file)),
    computed: joined(sides.map(({ computed }) => computed as Float64Array))
  };
};

const joined = (parts: readonly Float64Array[]): Float64Array => {
  const out = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (out.set(part, at), at + part.length), 0);
  return out;
};

/** Rows of the table, picked by the probe's ids. */
const tokenTable = ({ tower, probe, hook, read }: CheckContext): Outcome => {
  const embed = hook('hook_embed');
  const weight = tower.embedding?.weight;
  const table = weight === undefined ? undefined : read(weight);
  if (!embed || !tower.embedding) {
    return undefined;
  }
  if (!table) {
    return 'its table is not stored as plain numbers';
  }
  const width = tower.dModel;
  const ids = probe.flat();
  return {
    file: values(embed),
    computed: Float64Array.from(
      { length: ids.length * width },
      (_, i) => table.data[ids[Math.floor(i / width)] * width + (i % width)]
    )
  };
};

/** resid_pre of the first block = tokens + positions + types, normalised where the file does it. */
const embeddingsAddUp = ({ tower, hook, read }: CheckContext): Outcome => {
  const start = hook('blocks.0.hook_resid_pre');
  const full = hook('hook_full_embed');
  if (tower.embedding?.strange.length) {
    return `the stream starts with more than tables (${tower.embedding.strange.join(', ')})`;
  }
  const parts = ['hook_embed', 'hook_pos_embed', 'hook_token_type_embed'].flatMap(name => hook(name) ?? []).map(values);
  if (!start || parts.length === 0 || !hook('hook_embed')) {
    return undefined;
  }
  const total = parts[0].map((_, i) => parts.reduce((x, part) => x + part[i], 0));
  if (!full) {
    const scaled = ratio(values(start), total);
    return { file: values(start), computed: total.map(x => x * scaled) };
  }
  const norm = tower.embedding?.norm;
  const computed = norm
    ? affine(standardise(total, norm, tower.dModel), norm, read, tower.dModel)
    : 'its norm was not found';
  return typeof computed === 'string' ? computed : { file: values(start), computed };
};

/** Some models multiply embeddings by √d_model: the one factor that the largest element shows, where tokens are alone. */
const ratio = (file: Float64Array, total: Float64Array): number => {
  const at = total.reduce((best, x, i) => (Math.abs(x) > Math.abs(total[best]) ? i : best), 0);
  const found = file[at] / total[at];
  return Math.abs(found - 1) < 1e-3 ? 1 : found;
};

const finalNorm = (context: CheckContext): Outcome => {
  const norm = context.tower.finalNorm;
  return norm && norms(context, '', [norm]);
};

const compareLogits = (file: Tensor | undefined, other: Tensor | undefined): Outcome =>
  file && other && { file: values(file), computed: values(other) };

/** Every identity of the quick certificate. Ids are stable. */
export const IDENTITIES: readonly IdentityRow[] = [
  { name: 'embedding-is-the-table', rounding: 'sum', scope: 'model', check: tokenTable },
  { name: 'embeddings-add-up', rounding: 'product', scope: 'model', check: embeddingsAddUp },
  {
    name: 'norm-reproduced',
    rounding: 'product',
    scope: 'block',
    check: (c, b, l) => norms(c, `blocks.${l}.`, b.norms)
  },
  { name: 'weights-reproduce-q', rounding: 'product', scope: 'block', check: inputProjection('q') },
  { name: 'weights-reproduce-k', rounding: 'product', scope: 'block', check: inputProjection('k') },
  { name: 'weights-reproduce-v', rounding: 'product', scope: 'block', check: inputProjection('v') },
  { name: 'query-key-products-equal-scores', rounding: 'product', scope: 'block', check: queryKeyProducts },
  {
    name: 'scores-softmax-equals-pattern',
    rounding: 'softmax',
    scope: 'block',
    check: (c, _, l) => softmaxOfScores(c, l)
  },
  { name: 'pattern-rows-sum-to-one', rounding: 'softmax', scope: 'block', check: (c, _, l) => rowsSumToOne(c, l) },
  { name: 'pattern-respects-causal-mask', rounding: 'softmax', scope: 'block', check: (c, _, l) => respectsMask(c, l) },
  {
    name: 'pattern-times-v-equals-z',
    rounding: 'product',
    scope: 'block',
    check: (c, _, l) => patternTimesValues(c, l)
  },
  { name: 'z-reproduces-attn-out', rounding: 'product', scope: 'block', check: outputProjection },
  { name: 'residual-adds-attn', rounding: 'sum', scope: 'block', check: residualAddsAttention },
  { name: 'weights-reproduce-mlp-pre', rounding: 'product', scope: 'block', check: mlpInput('hook_pre') },
  { name: 'weights-reproduce-mlp-pre-linear', rounding: 'product', scope: 'block', check: mlpInput('hook_pre_linear') },
  { name: 'mlp-post-reproduces-mlp-out', rounding: 'product', scope: 'block', check: mlpOutput },
  { name: 'residual-adds-mlp', rounding: 'sum', scope: 'block', check: residualAddsMlp },
  { name: 'residual-chains', rounding: 'sum', scope: 'block', check: residualChains },
  { name: 'final-norm-reproduced', rounding: 'product', scope: 'model', check: finalNorm },
  {
    name: 'logits-unchanged-by-surgery',
    rounding: 'softmax',
    scope: 'model',
    check: ({ logits }) => compareLogits(logits.bare, logits.observed)
  },
  {
    name: 'head-reproduces-logits',
    rounding: 'product',
    scope: 'model',
    check: ({ logits }) => compareLogits(logits.bare, logits.suffix)
  }
];
