import type { AttentionPoint } from '../../maths/attention-jacobian';
import { matrix, type Matrix } from '../../maths/matrix';
import type { Cache, Subject } from '../../subject/subject';
import type { WeightName } from '../../subject/weights/weight-table';
import { rotationOf, type Rotated, type Rotation } from '../circuits/rotation';
import { floats } from '../floats';
import { blockHook } from '../hooks';

export const ATTENTION_WEIGHTS: readonly WeightName[] = ['W_Q', 'W_K', 'W_V', 'W_O'];

/** What a layer's queries, keys and values read. */
export function attentionInput(subject: Subject, layer: number): string {
  const { tower } = subject;
  const normed = tower.norm.placement !== 'post' && tower.blocks[layer].norms.some(({ role }) => role === 'ln1');
  return blockHook(subject, layer, normed ? 'ln1.hook_out' : 'hook_resid_pre');
}

/** What `attentionPoint` reads of a run. */
export const attentionHooks = (subject: Subject, layer: number): string[] =>
  [
    'attn.hook_q',
    'attn.hook_k',
    'attn.hook_v',
    'attn.hook_pattern',
    ...(subject.tower.blocks[layer].attention.rotary ? ['attn.hook_rot_q', 'attn.hook_rot_k'] : [])
  ].map(name => blockHook(subject, layer, name));

/** Why the derivative of this model's attention is not that of softmax(scale · QKᵀ + mask)·V. */
export function refusesAttention({ tower, weights }: Subject): string | undefined {
  const missing = ATTENTION_WEIGHTS.find(name => !weights.names.includes(name));
  const of = (why: string, layer: number): string | undefined => (layer < 0 ? undefined : `layer ${layer} ${why}`);
  return (
    (missing === undefined ? undefined : `the weight ${missing} is not stored as numbers that are understood`) ??
    of(
      'multiplies its scores by a number that was not found',
      tower.blocks.findIndex(({ attention }) => attention.scale === undefined)
    ) ??
    of(
      'caps its scores',
      tower.blocks.findIndex(({ attention }) => attention.softcap !== undefined)
    ) ??
    of(
      'normalises its queries and keys',
      tower.blocks.findIndex(({ norms }) => norms.some(({ role }) => role === 'q_norm' || role === 'k_norm'))
    )
  );
}

/** One text's attention in one layer; weights in double precision. */
export function attentionPoint(subject: Subject, layer: number, tokens: number, cache: Cache): AttentionPoint {
  const { heads, kvHeads, dHead: width, blocks } = subject.tower;
  const { rotary, scale } = blocks[layer].attention;
  const read = (name: string): Float64Array => {
    const hook = blockHook(subject, layer, `attn.hook_${name}`);
    return Float64Array.from(floats(cache.get(hook), hook));
  };
  const [q, k] = [read('q'), read('k')];
  const [seenQ, seenK] = rotary ? [read('rot_q'), read('rot_k')] : [q, k];
  return {
    tokens,
    heads,
    kvHeads,
    width,
    scale: scale!,
    reads: sideBySide(subject, layer),
    writes: stacked(subject, layer),
    q: seenQ,
    k: seenK,
    v: read('v'),
    pattern: read('pattern'),
    ...(rotary && { rotations: rotations({ q, k, seenQ, seenK }, tokens, width) })
  };
}

/** [head, d_model, d_head] of queries, keys and values → [d_model, all columns]. */
function sideBySide({ weights, tower: { dModel, dHead } }: Subject, layer: number): Matrix {
  const parts = (['W_Q', 'W_K', 'W_V'] as const).map(name => weights.read(name, { layers: [layer] }));
  const columns = parts.reduce((sum, { dims }) => sum + dims[1] * dHead, 0);
  const data = new Float64Array(dModel * columns);
  let from = 0;
  for (const { dims, data: values } of parts) {
    for (let head = 0; head < dims[1]; head++, from += dHead) {
      for (let row = 0; row < dModel; row++) {
        const start = (head * dModel + row) * dHead;
        data.set((values as Float32Array).subarray(start, start + dHead), row * columns + from);
      }
    }
  }
  return matrix(dModel, columns, data);
}

function stacked({ weights }: Subject, layer: number): Matrix {
  const { dims, data } = weights.read('W_O', { layers: [layer] });
  return matrix(dims[1] * dims[2], dims[3], data as Float32Array);
}

interface Compared {
  readonly q: Float64Array;
  readonly k: Float64Array;
  readonly seenQ: Float64Array;
  readonly seenK: Float64Array;
}

/** Of each token the matrices that turned its queries and its keys. */
function rotations(
  { q, k, seenQ, seenK }: Compared,
  tokens: number,
  width: number
): NonNullable<AttentionPoint['rotations']> {
  const vectors = (values: Float64Array, token: number): Float64Array[] => {
    const row = values.length / tokens;
    return Array.from({ length: row / width }, (_, at) =>
      values.slice(token * row + at * width, token * row + (at + 1) * width)
    );
  };
  const turns = Array.from({ length: tokens }, (_, token) => {
    const seen = (from: Float64Array, to: Float64Array): Rotated => ({
      before: vectors(from, token),
      after: vectors(to, token)
    });
    return rotationOf({ queries: seen(q, seenQ), keys: seen(k, seenK) }, token);
  });
  return {
    queries: turns.map(({ queries }) => matrixOf(queries, width)),
    keys: turns.map(({ keys }) => matrixOf(keys, width))
  };
}

/** [width, width], column by column from the basis. */
function matrixOf(turn: Rotation, width: number): Float64Array {
  const made = new Float64Array(width * width);
  for (let column = 0; column < width; column++) {
    const basis = new Float64Array(width);
    basis[column] = 1;
    turn(basis).forEach((value, row) => (made[row * width + column] = value));
  }
  return made;
}
