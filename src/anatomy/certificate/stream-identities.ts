import type { Block, Embedding, NormPart, Tower } from '../anatomy';
import {
  asRead,
  attentionInput,
  behindNorm,
  hooksOf,
  inBlock,
  isParallel,
  normOf,
  PERIOD,
  product,
  timesScale,
  values,
  type CheckContext,
  type Outcome,
  type Sides
} from './identity';
import { affine, project, standardise } from './layer-maths';
import { boundOn, roundOn } from './rounding';
import type { Leg } from './routes';

const sum = (context: CheckContext, layer: number, total: string, parts: readonly string[]): Outcome => {
  const found = hooksOf(context, layer, [total, ...parts]);
  const routes = parts.map(part => context.route(inBlock(layer, part), inBlock(layer, total), 'sum'));
  const unknown = routes.find(route => typeof route === 'string');
  if (!found || unknown !== undefined) {
    return found && unknown;
  }
  return {
    file: found[total],
    ...boundedSum(
      parts.map((part, i) => roundedPart(found[part], routes[i])),
      routes
    )
  };
};

type Routes = readonly ReturnType<CheckContext['route']>[];

const afterOf = (route: Routes[number]): readonly Leg[] => (typeof route === 'object' ? route.after : []);

const roundedPart = (x: Float64Array, route: Routes[number]): Float64Array =>
  typeof route === 'object' ? roundOn(x, route.before) : x;

/** The sum, within what is rounded behind it: of three summands two are met first, and rounded once more. */
const boundedSum = (parts: readonly Float64Array[], routes: Routes): Pick<Sides, 'computed' | 'slack'> => {
  const [longest] = routes.map(afterOf).sort((a, b) => b.length - a.length);
  const { slack } = boundOn(new Float64Array(0), longest);
  const { y } = boundOn(added(parts), longest?.slice(-1));
  return { computed: y, slack };
};

const added = ([first, ...others]: readonly Float64Array[]): Float64Array => {
  const out = first.slice();
  for (const other of others) {
    for (let i = 0; i < out.length; i++) {
      out[i] += other[i];
    }
  }
  return out;
};

/** The stream behind the attention; in parallel blocks everything is added at once. */
export const residualAddsAttention = (context: CheckContext, block: Block, layer: number): Outcome => {
  if (isParallel(block)) {
    return sum(context, layer, 'hook_resid_post', ['hook_resid_pre', 'hook_attn_out', 'hook_mlp_out']);
  }
  const after = block.residMid === undefined ? 'hook_resid_post' : 'hook_resid_mid';
  return sum(context, layer, after, ['hook_resid_pre', 'hook_attn_out']);
};

/** The stream behind the cross-attention. */
export const residualAddsCross = (context: CheckContext, block: Block, layer: number): Outcome => {
  if (!block.cross) {
    return undefined;
  }
  const before = context.tower.norm.placement === 'post' ? 'ln1.hook_out' : 'hook_resid_mid';
  const after = block.residMidCross === undefined ? 'hook_resid_post' : 'hook_resid_mid_cross';
  return sum(context, layer, after, [before, 'hook_cross_attn_out']);
};

/** The stream in front of the MLP. */
const beforeMlp = ({ tower }: CheckContext, { cross }: Block): string =>
  tower.norm.placement === 'post'
    ? `${cross ? 'ln2' : 'ln1'}.hook_out`
    : cross
      ? 'hook_resid_mid_cross'
      : 'hook_resid_mid';

export const residualAddsMlp = (context: CheckContext, block: Block, layer: number): Outcome => {
  if (!block.mlp) {
    return undefined;
  }
  const parts = isParallel(block)
    ? ['hook_resid_pre', 'hook_attn_out', 'hook_mlp_out']
    : [beforeMlp(context, block), 'hook_mlp_out'];
  return sum(context, layer, 'hook_resid_post', parts);
};

/** A block starts where the last one ended; the first one where the embeddings end. */
export const residualChains = (context: CheckContext, block: Block, layer: number): Outcome => {
  if (layer === 0) {
    return undefined;
  }
  const before =
    context.tower.blocks[layer - 1].normalizedResidPost === undefined
      ? 'hook_resid_post'
      : 'hook_normalized_resid_post';
  const earlier = `blocks.${layer - 1}.${before}`;
  const found = hooksOf(context, layer, ['hook_resid_pre', `/${earlier}`]);
  const route = context.route(earlier, inBlock(layer, 'hook_resid_pre'), 'sum');
  return found && { file: found.hook_resid_pre, computed: roundedPart(found[`/${earlier}`], route) };
};

/** mlp_out = post · W_out + b, and the norm and the factor behind it. */
export const mlpOutput = (context: CheckContext, block: Block, layer: number): Outcome => {
  const found = hooksOf(context, layer, ['mlp.hook_post', 'hook_mlp_out']);
  const { dMlp, dModel } = context.tower;
  if (!found || !block.mlp?.out || dMlp === null) {
    return undefined;
  }
  const { out: projection, outScale } = block.mlp;
  const norm = normOf(block, 'ln2_post');
  return product(
    context,
    {
      file: found.hook_mlp_out,
      x: found['mlp.hook_post'],
      from: dMlp,
      to: dModel,
      projection,
      period: PERIOD,
      route: context.route(inBlock(layer, 'mlp.hook_post'), inBlock(layer, 'hook_mlp_out'), 'product')
    },
    norm || outScale ? y => timesScale(context, behindNorm(context, y, norm), outScale) : undefined
  );
};

export const mlpInput =
  (hook: 'hook_pre' | 'hook_pre_linear') =>
  (context: CheckContext, block: Block, layer: number): Outcome => {
    const { dMlp, dModel, norm } = context.tower;
    const layerOf = hook === 'hook_pre' ? (block.mlp?.gate ?? block.mlp?.in) : block.mlp?.in;
    const own = block.cross ? 'ln3' : 'ln2';
    const placed =
      norm.placement !== 'post' && normOf(block, own)
        ? `${own}.hook_out`
        : norm.placement !== 'post' && isParallel(block)
          ? attentionInput(context, block)
          : beforeMlp(context, block);
    const found = hooksOf(context, layer, [placed, `mlp.${hook}`]);
    if (!found || !layerOf || dMlp === null) {
      return undefined;
    }
    const [file, x] = [found[`mlp.${hook}`], found[placed]];
    const route = context.route(inBlock(layer, placed), inBlock(layer, `mlp.${hook}`), 'product');
    return product(context, { file, x, from: dModel, to: dMlp, projection: layerOf, period: PERIOD, route });
  };

/** Each norm's output from its input, weight and bias. `hook_normalized` is the input standardised. */
export const norms = (context: CheckContext, prefix: string, parts: readonly NormPart[]): Outcome =>
  together(
    parts.map(part =>
      normSides(context, `${prefix}${part.role}.hook_out`, `${prefix}${part.role}.hook_normalized`, part)
    )
  );

/** The norms of a block; in post-norm blocks the last one gives what the next block reads. */
export const blockNorms = (context: CheckContext, block: Block, layer: number): Outcome => {
  const prefix = `blocks.${layer}.`;
  const last = block.norms.find(({ output }) => output === block.normalizedResidPost);
  return together([
    norms(context, prefix, block.norms),
    last && normSides(context, `${prefix}hook_normalized_resid_post`, `${prefix}${last.role}.hook_normalized`, last)
  ]);
};

const normSides = (
  { tower, hook, read, route: between }: CheckContext,
  out: string,
  normalised: string,
  part: NormPart
): Outcome => {
  const [file, x] = [hook(out), hook(normalised)];
  const computed = file && x && affine(values(x), part, read, tower.dModel);
  if (computed === undefined || typeof computed === 'string') {
    return computed;
  }
  const route = between(normalised, out, 'norm');
  if (typeof route === 'string') {
    return route;
  }
  const { y, slack } = boundOn(computed, route?.after);
  return { file: values(file!), computed: y, slack };
};

/** All that is there; the first reason why something cannot be checked comes first. */
const together = (outcomes: readonly Outcome[]): Outcome => {
  const sides = outcomes.flatMap(outcome => (typeof outcome === 'object' ? [outcome] : []));
  const refused = outcomes.find(outcome => typeof outcome === 'string');
  if (refused !== undefined || sides.length === 0) {
    return refused;
  }
  return {
    file: joined(sides.map(({ file }) => file)),
    computed: joined(sides.map(({ computed }) => computed)),
    slack: Math.max(...sides.map(({ slack = 0 }) => slack))
  };
};

const joined = (parts: readonly Float64Array[]): Float64Array => {
  const out = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (out.set(part, at), at + part.length), 0);
  return out;
};

/** Rows of the table, picked by the probe's ids. */
export const tokenTable = ({ tower, probe, hook, read, route: between }: CheckContext): Outcome => {
  const embed = hook('hook_embed');
  const weight = tower.embedding?.weight;
  if (!embed || !tower.embedding) {
    return undefined;
  }
  const ids = probe.flat();
  const rows = ids.map(id => (weight === undefined ? undefined : read(weight, [id, id + 1])?.data));
  if (!rows.every(row => row !== undefined)) {
    return 'its table is not stored as plain numbers';
  }
  const width = tower.embedding.width ?? tower.dModel;
  const route = weight === undefined ? undefined : between(weight, 'hook_embed', 'sum');
  if (typeof route === 'string') {
    return route;
  }
  const { y: computed, slack } = boundOn(
    Float64Array.from({ length: ids.length * width }, (_, i) => rows[Math.floor(i / width)][i % width]),
    route?.before
  );
  return { file: values(embed), computed, slack };
};

/** Embeddings that are fed are what the stream starts with. */
export const fedEmbeddings = ({ tower, hook, fed }: CheckContext): Outcome => {
  const embed = hook('hook_embed');
  const given = tower.content?.kind === 'embeddings' ? fed(tower.content.input) : undefined;
  return embed && given && { file: values(embed), computed: values(given) };
};

/**
 * resid_pre of the first block = tokens + positions + types, normalised where the file does it. Where a layer widens the tokens, what is as wide as they
 * are is added in front of it (ELECTRA), the rest behind it (OPT-350m).
 */
export const embeddingsAddUp = ({ tower, hook, read, probe, route: between }: CheckContext): Outcome => {
  const start = hook('blocks.0.hook_resid_pre');
  const full = hook('hook_full_embed');
  const embed = hook('hook_embed');
  const end = full ? 'hook_full_embed' : 'blocks.0.hook_resid_pre';
  const boxes = tower.embedding?.boxes?.map((_, i) => `hook_box_embed.${i}`) ?? [];
  const present = ['hook_embed', 'hook_pos_embed', 'hook_token_type_embed', ...boxes].filter(name => hook(name));
  const inner = full && (tower.embedding?.norm ?? tower.content?.norm);
  const routes = present.map(name => between(name, inner?.input ?? end, 'sum'));
  const behindSum = inner && between(inner.input, end, 'norm');
  const unknown = [...routes, behindSum].find(route => typeof route === 'string');
  if (unknown !== undefined) {
    return unknown;
  }
  const found = present.map((name, i) => ({ dims: hook(name)!.dims, x: roundedPart(values(hook(name)!), routes[i]) }));
  const { strange = [] } = tower.embedding ?? tower.content ?? {};
  if (strange.length > 0) {
    return `the stream starts with more than tables (${strange.join(', ')})`;
  }
  if (!start || !embed) {
    return undefined;
  }
  const [narrow, wider] = [true, false].map(same =>
    found.filter(({ dims }) => (dims.at(-1) === embed.dims.at(-1)) === same).map(({ x }) => x)
  );
  const tokens = tokensAsAdded(narrow[0], tower, read);
  if (typeof tokens === 'string') {
    return tokens;
  }
  const parts = [tokens, ...narrow.slice(1)];
  const total = parts[0].map((_, i) => parts.reduce((x, part) => x + part[i], 0));
  const { norm = tower.content?.norm, project: layer, width = tower.dModel } = tower.embedding ?? {};
  if ([...routes, behindSum].some(route => route !== undefined)) {
    return layer
      ? 'it is rounded in front of a layer that widens it'
      : roundedEmbedding({ tower, read }, { parts, routes, behindSum }, values(full ?? start), inner);
  }
  if (!full && !layer) {
    return { file: values(start), computed: scaled(values(start), parts[0], total) };
  }
  if (full && !norm) {
    return 'its norm was not found';
  }
  const normed = norm ? affine(standardise(total, norm, width), norm, read, width) : total;
  const entering = typeof normed === 'string' || !full ? normed : values(full);
  const widened =
    typeof entering === 'string' || !layer ? normed : project(asRead({ probe }, entering, layer), layer, read);
  const computed =
    typeof widened === 'string' ? widened : widened.map((x, i) => wider.reduce((sum, part) => sum + part[i], x));
  if (typeof normed === 'string' || typeof computed === 'string') {
    return typeof normed === 'string' ? normed : (computed as string);
  }
  const [file, own] = full ? [[values(full)], [normed]] : [[], []];
  return { file: joined([values(start), ...file]), computed: joined([computed, ...own]) };
};

interface RoundedSum {
  readonly parts: readonly Float64Array[];
  readonly routes: Routes;
  /** From the sum over its norm. */
  readonly behindSum: Routes[number];
}

/**
 * The same where the file rounds: the sum within half a step each, and behind a norm within what that makes of it, |Δx̂| ≤ e · (2 + |x̂|) / σ
 * for |Δx| ≤ e.
 */
const roundedEmbedding = (
  { tower, read }: Pick<CheckContext, 'tower' | 'read'>,
  { parts, routes, behindSum }: RoundedSum,
  file: Float64Array,
  norm: NormPart | undefined
): Outcome => {
  const { computed: total, slack: e = 0 } = boundedSum(parts, routes);
  if (!norm) {
    return { file, computed: total, slack: e };
  }
  const width = tower.embedding?.width ?? tower.dModel;
  const standard = standardise(total, norm, width);
  const y = affine(standard, norm, read, width);
  const weights = norm.weight === undefined ? [1] : (read(norm.weight)?.data ?? [1]);
  if (typeof y === 'string') {
    return y;
  }
  const { y: computed, slack } = boundOn(y, afterOf(behindSum));
  const grown = e * (2 + largest(standard)) * steepest(total, standard, width) * largest(weights);
  return { file, computed, slack: slack + grown };
};

const largest = (x: ArrayLike<number>): number =>
  Array.from(x).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** 1/σ, of the row where it is largest: a norm is a straight line within a row. */
const steepest = (x: Float64Array, standard: Float64Array, width: number): number => {
  const extent = (of: Float64Array, row: number): number => {
    const part = of.subarray(row * width, (row + 1) * width);
    return part.reduce((a, b) => Math.max(a, b)) - part.reduce((a, b) => Math.min(a, b));
  };
  return Math.max(...Array.from({ length: x.length / width }, (_, row) => extent(standard, row) / extent(x, row)));
};

/** The tokens' rows, times a factor and behind a norm of their own where there are. */
const tokensAsAdded = (
  rows: Float64Array,
  { embedding, dModel }: Tower,
  read: CheckContext['read']
): Float64Array | string => {
  const { scale = 1, tokenNorm, width = dModel }: Partial<Embedding> = embedding ?? {};
  const scaled = scale === 1 ? rows : rows.map(x => x * scale);
  return tokenNorm ? affine(standardise(scaled, tokenNorm, width), tokenNorm, read, width) : scaled;
};

/**
 * Some models multiply all embeddings by √d_model, some the tokens' alone before positions are added. One factor is fitted
 * to thousands of elements; whichever of the two leaves less is taken.
 */
const scaled = (file: Float64Array, tokens: Float64Array, total: Float64Array): Float64Array => {
  const rest = total.map((x, i) => x - tokens[i]);
  const wanted = file.map((x, i) => x - rest[i]);
  const [all, own] = [factor(file, total), factor(wanted, tokens)];
  const [one, other] = [total.map(x => x * all), rest.map((x, i) => x + tokens[i] * own)];
  return distance(file, one) <= distance(file, other) ? one : other;
};

/** The a for which a · x is nearest to y; 1 where it is that but for rounding. */
const factor = (y: Float64Array, x: Float64Array): number => {
  const found = y.reduce((sum, value, i) => sum + value * x[i], 0) / x.reduce((sum, value) => sum + value * value, 0);
  return Math.abs(found - 1) < 1e-3 ? 1 : found;
};

const distance = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + (x - b[i]) ** 2, 0);
