import type { Cache, Subject } from '../../subject/subject';
import { floats } from '../floats';
import { blockHook, missingHook } from '../hooks';
import { frozenNorm, type FrozenNorm } from './frozen-norm';

/** One thing that is added to the residual stream. */
export interface StreamPart {
  /** 'embedding', 'positions', 'L0H3', 'b_O 0', 'ln1.b 0', 'MLP 1', 'remainder' (what the others do not add up to). */
  readonly name: string;
  /** A norm's part is its bias. */
  readonly kind: 'embedding' | 'positions' | 'head' | 'bias' | 'mlp' | 'norm' | 'remainder';
  readonly layer?: number;
  readonly head?: number;
  /** [d_model] */
  readonly vector: Float64Array;
}

/** The remainder, relative to the stream: quantised weights round, anything larger is a part that was not understood. */
const MOST_REMAINDER = 0.02;

/** Why the stream cannot be taken apart, or undefined when it can. */
export function refusesParts(subject: Subject): string | undefined {
  const { norm, blocks } = subject.tower;
  const without = blocks.findIndex(({ attention }) => attention.o.weight === undefined);
  if (without >= 0) {
    return `layer ${without} does not store its output weights as numbers that are understood`;
  }
  const together = blocks.findIndex(({ norms }) => norms.some(({ role }) => role === 'z_norm'));
  if (together >= 0) {
    return `layer ${together} normalises all heads together in front of its output weights`;
  }
  const scaled = blocks.findIndex(({ attention, mlp }) => attention.outScale?.weight ?? mlp?.outScale?.weight);
  if (scaled >= 0) {
    return `layer ${scaled} multiplies each feature of what is written by a number of its own`;
  }
  const passed = norm.placement === 'post' ? ['ln1', 'ln2', 'ln1_post'] : ['ln1_post'];
  for (const [layer, { norms }] of blocks.entries()) {
    const strange = norms.find(({ role, epsilon }) => passed.includes(role) && epsilon === undefined);
    if (strange) {
      return `the ${strange.role} of layer ${layer}, which what its heads write passes, has no known epsilon`;
    }
  }
  return missingHook(subject, partHooks(subject, subject.tower.layers));
}

/** Why what a head writes does not reach the stream's end as it is, or undefined when it does. */
export function refusesNormedWrites({ tower }: Subject): string | undefined {
  const normed = tower.blocks.findIndex(({ norms }) => norms.some(({ role }) => role === 'ln1_post'));
  return tower.norm.placement === 'post'
    ? 'its blocks have post-norms: what a head writes is normalised together with what others wrote'
    : normed >= 0
      ? `layer ${normed} normalises what its heads write together before it is added to the stream`
      : undefined;
}

/** The table of positions is a part of its own where the stream begins as the sum of both. */
const splitsPositions = (subject: Subject): boolean => {
  const { embedding, positional } = subject.tower;
  const names = ['hook_embed', 'hook_pos_embed'].map(name => outer(subject, name));
  const between = ['norm', 'tokenNorm', 'scale', 'project'] as const;
  const isSum = between.every(part => embedding?.[part] === undefined);
  return positional === 'learned' && isSum && missingHook(subject, names) === undefined;
};

const outer = (subject: Subject, name: string): string =>
  subject.anatomy.towers.length > 1 ? `${subject.tower.name}.${name}` : name;

/** The stream that enters block `upTo`, or what leaves the last one. */
export const streamHook = (subject: Subject, upTo: number): string =>
  upTo < subject.tower.layers
    ? blockHook(subject, upTo, 'hook_resid_pre')
    : blockHook(
        subject,
        upTo - 1,
        subject.tower.norm.placement === 'post' ? 'hook_normalized_resid_post' : 'hook_resid_post'
      );

/** What the stream begins with. */
export const firstParts = (
  subject: Subject
): readonly { readonly kind: 'embedding' | 'positions'; readonly hook: string }[] =>
  splitsPositions(subject)
    ? [
        { kind: 'embedding', hook: outer(subject, 'hook_embed') },
        { kind: 'positions', hook: outer(subject, 'hook_pos_embed') }
      ]
    : [{ kind: 'embedding', hook: blockHook(subject, 0, 'hook_resid_pre') }];

/** What the norms of post-norm blocks read, by their roles. */
const normedSums = ({ tower }: Subject): Partial<Record<'ln1' | 'ln2', string>> =>
  tower.norm.placement === 'post' ? { ln1: 'hook_resid_mid', ln2: 'hook_resid_post' } : {};

/** What `streamParts` reads. */
export function partHooks(subject: Subject, upTo: number): string[] {
  const layers = Array.from({ length: upTo }, (_, layer) => layer);
  return [
    ...new Set([
      ...firstParts(subject).map(({ hook }) => hook),
      streamHook(subject, upTo),
      ...layers.flatMap(layer => [
        blockHook(subject, layer, 'attn.hook_z'),
        ...(subject.tower.blocks[layer]?.mlp ? [blockHook(subject, layer, 'hook_mlp_out')] : []),
        ...Object.values(normedSums(subject)).map(hook => blockHook(subject, layer, hook))
      ])
    ])
  ];
}

/**
 * The terms of the stream before block `upTo` (the number of layers: behind the last) at one position, in the order of writing. Where they pass norms
 * together (post-norms; a norm behind the heads), each passes the norm's linear part, its scale held at its measured value, and the norm's bias is a part.
 */
export function streamParts(subject: Subject, cache: Cache, upTo: number, position: number): StreamPart[] {
  const at = (hook: string): Float64Array => rowOf(cache, hook, position);
  let parts = firstParts(subject).map(({ kind, hook }): StreamPart => ({ name: kind, kind, vector: at(hook) }));
  const pass = (layer: number, role: 'ln1' | 'ln2'): void => {
    const sum = normedSums(subject)[role];
    parts = sum === undefined ? parts : throughNorm(subject, layer, role, parts, at(blockHook(subject, layer, sum)));
  };
  for (let layer = 0; layer < upTo; layer++) {
    parts = [...parts, ...attentionParts(subject, at(blockHook(subject, layer, 'attn.hook_z')), layer)];
    pass(layer, 'ln1');
    if (subject.tower.blocks[layer]?.mlp) {
      parts.push({ name: `MLP ${layer}`, kind: 'mlp', layer, vector: at(blockHook(subject, layer, 'hook_mlp_out')) });
    }
    pass(layer, 'ln2');
  }
  return [...parts, remainder(parts, at(streamHook(subject, upTo)), position)];
}

/** A block's norm with its scale held at what it read; undefined where the block has none of this role. */
export function heldNorm(
  subject: Subject,
  layer: number,
  role: 'ln1' | 'ln2' | 'ln1_post',
  whole: Float64Array
): FrozenNorm | undefined {
  const part = subject.tower.blocks[layer].norms.find(one => one.role === role);
  return part && frozenNorm(part, part.weight === undefined ? undefined : normVector(subject, layer, role, 'w'), whole);
}

const normVector = (subject: Subject, layer: number, role: 'ln1' | 'ln2' | 'ln1_post', name: 'w' | 'b'): Float32Array =>
  subject.weights.read(`${role}.${name}`, { layers: [layer] }).data as Float32Array;

/** Each part behind a norm of `whole`; the parts as they are where the block has no such norm. */
function throughNorm(
  subject: Subject,
  layer: number,
  role: 'ln1' | 'ln2' | 'ln1_post',
  parts: readonly StreamPart[],
  whole: Float64Array
): StreamPart[] {
  const norm = heldNorm(subject, layer, role, whole);
  if (!norm) {
    return [...parts];
  }
  const passed = parts.map(one => ({ ...one, vector: norm.apply(one.vector) }));
  const { bias } = subject.tower.blocks[layer].norms.find(one => one.role === role)!;
  const vector = (): Float64Array => Float64Array.from(normVector(subject, layer, role, 'b'));
  return bias === undefined
    ? passed
    : [...passed, { name: `${role}.b ${layer}`, kind: 'norm', layer, vector: vector() }];
}

/** Of post-norm blocks: what a direction behind the last block is behind each layer's attention and behind its MLP, in front of all norms from there on. */
export interface ReadDirections {
  readonly attention: readonly Float64Array[];
  readonly mlp: readonly Float64Array[];
}

/** The direction itself everywhere, where no norm stands between blocks. */
export function readDirections(
  subject: Subject,
  cache: Cache,
  position: number,
  direction: Float64Array
): ReadDirections {
  const [attention, mlp]: Float64Array[][] = [[], []];
  let reads = direction;
  const pull = (layer: number, role: 'ln1' | 'ln2'): Float64Array => {
    const sum = normedSums(subject)[role];
    const norm = sum && heldNorm(subject, layer, role, rowOf(cache, blockHook(subject, layer, sum), position));
    return norm ? norm.pullBack(reads.slice()).map(value => value / norm.scale) : reads;
  };
  for (let layer = subject.tower.layers - 1; layer >= 0; layer--) {
    reads = mlp[layer] = pull(layer, 'ln2');
    reads = attention[layer] = pull(layer, 'ln1');
  }
  return { attention, mlp };
}

/** Σ of the parts. */
export function totalOf(parts: readonly StreamPart[]): Float64Array {
  const sum = new Float64Array(parts[0].vector.length);
  parts.forEach(({ vector }) => vector.forEach((value, m) => (sum[m] += value)));
  return sum;
}

/** What heads' results behind W_O are multiplied by before they are added to the stream (Granite's residual multiplier). */
export const headFactor = ({ tower }: Subject, layer: number): number =>
  tower.blocks[layer].attention.outScale?.factor ?? 1;

/** z·W_O of each head, and b_O, behind the norm that stands there. */
function attentionParts(subject: Subject, z: Float64Array, layer: number): StreamPart[] {
  const written = headWrites(subject, z, layer);
  const factor = headFactor(subject, layer);
  return throughNorm(subject, layer, 'ln1_post', written, totalOf(written)).map(part => ({
    ...part,
    vector: factor === 1 ? part.vector : part.vector.map(value => factor * value)
  }));
}

/** z·W_O of each head, and b_O: what the norm behind them reads, where there is one. */
export function headWrites(subject: Subject, z: Float64Array, layer: number): StreamPart[] {
  const { weights, tower } = subject;
  const w = weights.read('W_O', { layers: [layer] }).data as Float32Array;
  const width = z.length / tower.heads;
  const heads = Array.from({ length: tower.heads }, (_, head): StreamPart => {
    const vector = new Float64Array(tower.dModel);
    for (let d = width * head; d < width * (head + 1); d++) {
      for (let m = 0, row = d * tower.dModel; m < tower.dModel; m++) {
        vector[m] += z[d] * w[row + m];
      }
    }
    return { name: `L${layer}H${head}`, kind: 'head', layer, head, vector };
  });
  if (tower.blocks[layer].attention.o.bias === undefined) {
    return heads;
  }
  const vector = Float64Array.from(weights.read('b_O', { layers: [layer] }).data as Float32Array);
  return [...heads, { name: `b_O ${layer}`, kind: 'bias', layer, vector }];
}

/** Throws where the parts are not what makes up the stream. */
function remainder(parts: readonly StreamPart[], stream: Float64Array, position: number): StreamPart {
  const sum = totalOf(parts);
  const vector = stream.map((value, m) => value - sum[m]);
  const size = (values: Float64Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const share = size(vector) / (size(stream) || 1);
  if (!(share <= MOST_REMAINDER)) {
    throw new Error(
      `parts do not add up: ${(share * 100).toPrecision(3)} % of the residual stream at position ${position} is none of its ${parts.length} parts, at most ${MOST_REMAINDER * 100} % are allowed`
    );
  }
  return { name: 'remainder', kind: 'remainder', vector };
}

/** Position `position` of a hook [1, pos, …]. */
export function rowOf(cache: Cache, hook: string, position: number): Float64Array {
  const tensor = cache.get(hook);
  const values = floats(tensor, hook);
  const width = values.length / (tensor.dims[0] * tensor.dims[1]);
  return Float64Array.from(values.subarray(position * width, (position + 1) * width));
}

/** Σ a·b */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) {
    sum += a[at] * b[at];
  }
  return sum;
}
