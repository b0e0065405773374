import { toFloat64 } from '../../onnx/decode-tensor';
import { numbersOf, type Numbers } from '../../onnx/numbers';
import type { Embedding, NormPart, Tower } from '../anatomy';
import { asRead, joined, type CheckContext, type Outcome } from './identity';
import { dot, squaredDistance } from './deviation';
import { affine, project, standardise } from './layer-maths';
import { added, afterOf, boundedSum, roundedPart, type Routes } from './rounded-sum';
import { boundOn } from './rounding';

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
  return { file: numbersOf(embed), computed, slack };
};

/** Embeddings that are fed are what the stream starts with. */
export const fedEmbeddings = ({ tower, hook, fed }: CheckContext): Outcome => {
  const embed = hook('hook_embed');
  const given = tower.content?.kind === 'embeddings' ? fed(tower.content.input) : undefined;
  return embed && given && { file: numbersOf(embed), computed: toFloat64(given) };
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
  const found = present.map((name, i) => ({
    dims: hook(name)!.dims,
    x: roundedPart(numbersOf(hook(name)!), routes[i])
  }));
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
  const total = added(parts);
  const { norm = tower.content?.norm, project: layer, width = tower.dModel } = tower.embedding ?? {};
  if ([...routes, behindSum].some(route => route !== undefined)) {
    return layer
      ? 'it is rounded in front of a layer that widens it'
      : roundedEmbedding({ tower, read }, { parts, routes, behindSum }, numbersOf(full ?? start), inner);
  }
  if (!full && !layer) {
    return { file: numbersOf(start), computed: scaled(numbersOf(start), parts[0], total) };
  }
  if (full && !norm) {
    return 'its norm was not found';
  }
  const normed = norm ? affine(standardise(total, norm, width), norm, read, width) : total;
  const entering = typeof normed === 'string' || !full ? normed : numbersOf(full);
  const widened =
    typeof entering === 'string' || !layer ? normed : project(asRead({ probe }, entering, layer, width), layer, read);
  const computed =
    typeof widened === 'string' ? widened : widened.map((x, i) => wider.reduce((sum, part) => sum + part[i], x));
  if (typeof normed === 'string' || typeof computed === 'string') {
    return typeof normed === 'string' ? normed : (computed as string);
  }
  const [file, own] = full ? [[numbersOf(full)], [normed]] : [[], []];
  return { file: joined([numbersOf(start), ...file]), computed: joined([computed, ...own]) };
};

interface RoundedSum {
  readonly parts: readonly Numbers[];
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
  file: Numbers,
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
const tokensAsAdded = (rows: Numbers, { embedding, dModel }: Tower, read: CheckContext['read']): Numbers | string => {
  const { scale = 1, tokenNorm, width = dModel }: Partial<Embedding> = embedding ?? {};
  const scaled = scale === 1 ? rows : Float64Array.from(rows, x => x * scale);
  return tokenNorm ? affine(standardise(scaled, tokenNorm, width), tokenNorm, read, width) : scaled;
};

/**
 * Some models multiply all embeddings by √d_model, some the tokens' alone before positions are added. One factor is fitted
 * to thousands of elements; whichever of the two leaves less is taken.
 */
const scaled = (file: Numbers, tokens: Numbers, total: Float64Array): Float64Array => {
  const rest = total.map((x, i) => x - tokens[i]);
  const wanted = rest.map((x, i) => file[i] - x);
  const [all, own] = [factor(file, total), factor(wanted, tokens)];
  const [one, other] = [total.map(x => x * all), rest.map((x, i) => x + tokens[i] * own)];
  return squaredDistance(file, one) <= squaredDistance(file, other) ? one : other;
};

/** The a for which a · x is nearest to y; 1 where it is that but for rounding. */
const factor = (y: Numbers, x: Numbers): number => {
  const found = dot(y, x) / dot(x, x);
  return Math.abs(found - 1) < 1e-3 ? 1 : found;
};
