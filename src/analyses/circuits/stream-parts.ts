import type { Cache, Subject } from '../../subject/subject';
import { floats } from '../floats';
import { blockHook, missingHook } from '../hooks';

/** One thing that is added to the residual stream. */
export interface StreamPart {
  /** 'embedding', 'positions', 'L0H3', 'b_O 0', 'MLP 1', 'remainder' (what the others do not add up to). */
  readonly name: string;
  readonly kind: 'embedding' | 'positions' | 'head' | 'bias' | 'mlp' | 'remainder';
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
  if (norm.placement === 'post' || norm.placement === 'sandwich') {
    return `its blocks have ${norm.placement === 'post' ? 'post-norms' : 'norms on both sides'}: what a head writes is normalised together with what others wrote, so that it is no term of a sum`;
  }
  const normed = blocks.findIndex(({ norms }) => norms.some(({ role }) => role === 'ln1_post'));
  if (normed >= 0) {
    return `layer ${normed} normalises what its heads write together before it is added to the stream, so that no head is a term of a sum`;
  }
  const without = blocks.findIndex(({ attention }) => attention.o.weight === undefined);
  if (without >= 0) {
    return `layer ${without} does not store its output weights as numbers that are understood`;
  }
  const scaled = blocks.findIndex(({ attention, mlp }) => attention.outScale?.weight ?? mlp?.outScale?.weight);
  if (scaled >= 0) {
    return `layer ${scaled} multiplies each feature of what is written by a number of its own`;
  }
  return missingHook(subject, partHooks(subject, subject.tower.layers));
}

/** The table of positions is a part of its own where the stream begins as the sum of both. */
const splitsPositions = (subject: Subject): boolean => {
  const { embedding, positional } = subject.tower;
  const names = ['hook_embed', 'hook_pos_embed'].map(name => outer(subject, name));
  return positional === 'learned' && embedding?.norm === undefined && missingHook(subject, names) === undefined;
};

const outer = (subject: Subject, name: string): string =>
  subject.anatomy.towers.length > 1 ? `${subject.tower.name}.${name}` : name;

/** The stream that enters block `upTo`, or what leaves the last one. */
export const streamHook = (subject: Subject, upTo: number): string =>
  upTo < subject.tower.layers
    ? blockHook(subject, upTo, 'hook_resid_pre')
    : blockHook(subject, upTo - 1, 'hook_resid_post');

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

/** What `streamParts` reads. */
export function partHooks(subject: Subject, upTo: number): string[] {
  const layers = Array.from({ length: upTo }, (_, layer) => layer);
  return [
    ...new Set([
      ...firstParts(subject).map(({ hook }) => hook),
      streamHook(subject, upTo),
      ...layers.flatMap(layer => [
        blockHook(subject, layer, 'attn.hook_z'),
        ...(subject.tower.blocks[layer]?.mlp ? [blockHook(subject, layer, 'hook_mlp_out')] : [])
      ])
    ])
  ];
}

/** The terms of the stream before block `upTo` (the number of layers: behind the last) at one position, in the order of writing. */
export function streamParts(subject: Subject, cache: Cache, upTo: number, position: number): StreamPart[] {
  const at = (hook: string): Float64Array => rowOf(cache, hook, position);
  const parts = firstParts(subject).map(({ kind, hook }): StreamPart => ({ name: kind, kind, vector: at(hook) }));
  for (let layer = 0; layer < upTo; layer++) {
    parts.push(...attentionParts(subject, at(blockHook(subject, layer, 'attn.hook_z')), layer));
    if (subject.tower.blocks[layer]?.mlp) {
      parts.push({ name: `MLP ${layer}`, kind: 'mlp', layer, vector: at(blockHook(subject, layer, 'hook_mlp_out')) });
    }
  }
  return [...parts, remainder(parts, at(streamHook(subject, upTo)), position)];
}

/** What heads' results behind W_O are multiplied by before they are added to the stream (Granite's residual multiplier). */
export const headFactor = ({ tower }: Subject, layer: number): number =>
  tower.blocks[layer].attention.outScale?.factor ?? 1;

/** z·W_O of each head, and b_O. */
function attentionParts(subject: Subject, z: Float64Array, layer: number): StreamPart[] {
  const { weights, tower } = subject;
  const w = weights.read('W_O', { layers: [layer] }).data as Float32Array;
  const factor = headFactor(subject, layer);
  const heads = Array.from({ length: tower.heads }, (_, head): StreamPart => {
    const [width, from] = [z.length / tower.heads, (z.length / tower.heads) * head];
    const vector = new Float64Array(tower.dModel);
    for (let d = 0; d < width; d++) {
      const row = (from + d) * tower.dModel;
      for (let m = 0; m < tower.dModel; m++) {
        vector[m] += z[from + d] * w[row + m];
      }
    }
    return { name: `L${layer}H${head}`, kind: 'head', layer, head, vector: vector.map(value => factor * value) };
  });
  const { bias } = tower.blocks[layer].attention.o;
  if (bias === undefined) {
    return heads;
  }
  const stored = weights.read('b_O', { layers: [layer] }).data as Float32Array;
  const vector = Float64Array.from(stored, value => factor * value);
  return [...heads, { name: `b_O ${layer}`, kind: 'bias', layer, vector }];
}

/** Throws where the parts are not what makes up the stream. */
function remainder(parts: readonly StreamPart[], stream: Float64Array, position: number): StreamPart {
  const vector = stream.slice();
  parts.forEach(part => part.vector.forEach((value, m) => (vector[m] -= value)));
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
