import type { LinearAlgebra } from './linear-algebra';
import { matrix, transpose, type Matrix } from './matrix';
import type { LinearMap } from './spectral-norm';

/** One attention layer at one input: what its heads computed there, and the weights that read and write. */
export interface AttentionPoint {
  readonly tokens: number;
  readonly heads: number;
  /** Key/value heads; head h reads number ⌊h·kvHeads/heads⌋. */
  readonly kvHeads: number;
  readonly width: number;
  /** What q̃·k̃ is multiplied by. */
  readonly scale: number;
  /** [d_model, (heads + 2·kvHeads)·width]: W_Q, W_K and W_V side by side, head by head. */
  readonly reads: Matrix;
  /** [heads·width, d_model]: W_O. */
  readonly writes: Matrix;
  /** As they are compared, [token, head, width]. */
  readonly q: Float64Array;
  readonly k: Float64Array;
  readonly v: Float64Array;
  /** [head, query, key] */
  readonly pattern: Float64Array;
  /** Of each token [width, width]: what was done to its queries and to its keys before they were compared, as y = R·x. */
  readonly rotations?: Readonly<Record<'queries' | 'keys', readonly Float64Array[]>>;
}

export interface AttentionJacobian extends LinearMap {
  /** Change of z [token, head·width] for a change of the input [token, d_model]. */
  z(change: Float64Array): Float64Array;
}

/**
 * The derivative of Z·W_O in the layer's input, with Z = softmax(scale · Q̃K̃ᵀ + mask)·V: for each head
 * ds = scale·(dq̃·k̃ + q̃·dk̃), dP = P∘(ds − Σ P∘ds), dz = dP·V + P·dV; and its transpose.
 */
export function attentionJacobian(point: AttentionPoint, algebra: LinearAlgebra): AttentionJacobian {
  const { tokens, reads, writes } = point;
  const [readsBack, writesBack] = [transpose(reads), transpose(writes)];
  const times = (rows: Float64Array, by: Matrix): Float64Array =>
    algebra.multiply(matrix(tokens, by.rows, rows), by).data;
  const z = (change: Float64Array): Float64Array => forwards(point, times(change, reads));
  return {
    columns: tokens * reads.rows,
    z,
    apply: change => times(z(change), writes),
    applyTransposed: change => times(backwards(point, times(change, writesBack)), readsBack)
  };
}

/** Where one head's numbers lie. */
interface Places {
  readonly pattern: number;
  readonly q: (token: number) => number;
  readonly k: (token: number) => number;
  /** In rows of the read changes. */
  readonly readQ: (token: number) => number;
  readonly readK: (token: number) => number;
  readonly readV: (token: number) => number;
  readonly z: (token: number) => number;
}

function placesOf({ heads, kvHeads, width, tokens }: AttentionPoint, head: number): Places {
  const group = Math.floor((head * kvHeads) / heads);
  const row = (heads + 2 * kvHeads) * width;
  return {
    pattern: head * tokens * tokens,
    q: token => (token * heads + head) * width,
    k: token => (token * kvHeads + group) * width,
    readQ: token => token * row + head * width,
    readK: token => token * row + (heads + group) * width,
    readV: token => token * row + (heads + kvHeads + group) * width,
    z: token => (token * heads + head) * width
  };
}

function forwards(point: AttentionPoint, read: Float64Array): Float64Array {
  const { tokens, heads, width, scale, q, k, v, pattern, rotations } = point;
  const z = new Float64Array(tokens * heads * width);
  const scores = new Float64Array(tokens);
  for (let head = 0; head < heads; head++) {
    const at = placesOf(point, head);
    const turned = (side: 'queries' | 'keys', from: (token: number) => number): Float64Array[] =>
      Array.from({ length: tokens }, (_, t) => rotate(read.subarray(from(t), from(t) + width), rotations?.[side][t]));
    const [dq, dk] = [turned('queries', at.readQ), turned('keys', at.readK)];
    for (let i = 0; i < tokens; i++) {
      const row = at.pattern + i * tokens;
      let mean = 0;
      for (let j = 0; j < tokens; j++) {
        const p = pattern[row + j];
        scores[j] = p === 0 ? 0 : scale * (dot(dq[i], 0, k, at.k(j), width) + dot(dk[j], 0, q, at.q(i), width));
        mean += p * scores[j];
      }
      for (let j = 0; j < tokens; j++) {
        const p = pattern[row + j];
        if (p !== 0) {
          add(z, at.z(i), v, at.k(j), p * (scores[j] - mean), width);
          add(z, at.z(i), read, at.readV(j), p, width);
        }
      }
    }
  }
  return z;
}

function backwards(point: AttentionPoint, given: Float64Array): Float64Array {
  const { tokens, heads, kvHeads, width, scale, q, k, v, pattern, rotations } = point;
  const read = new Float64Array(tokens * (heads + 2 * kvHeads) * width);
  const scores = new Float64Array(tokens);
  for (let head = 0; head < heads; head++) {
    const at = placesOf(point, head);
    const [dq, dk] = [0, 1].map(() => new Float64Array(tokens * width));
    for (let i = 0; i < tokens; i++) {
      const row = at.pattern + i * tokens;
      let mean = 0;
      for (let j = 0; j < tokens; j++) {
        scores[j] = pattern[row + j] === 0 ? 0 : dot(given, at.z(i), v, at.k(j), width);
        mean += pattern[row + j] * scores[j];
      }
      for (let j = 0; j < tokens; j++) {
        const p = pattern[row + j];
        if (p !== 0) {
          add(read, at.readV(j), given, at.z(i), p, width);
          add(dq, i * width, k, at.k(j), scale * p * (scores[j] - mean), width);
          add(dk, j * width, q, at.q(i), scale * p * (scores[j] - mean), width);
        }
      }
    }
    for (let t = 0; t < tokens; t++) {
      const back = (side: 'queries' | 'keys', from: Float64Array): Float64Array =>
        rotate(from.subarray(t * width, (t + 1) * width), rotations?.[side][t], true);
      add(read, at.readQ(t), back('queries', dq), 0, 1, width);
      add(read, at.readK(t), back('keys', dk), 0, 1, width);
    }
  }
  return read;
}

/** R·x, or Rᵀ·x; x itself where nothing turns. */
function rotate(x: Float64Array, rotation: Float64Array | undefined, back = false): Float64Array {
  if (!rotation) {
    return x;
  }
  const width = x.length;
  const y = new Float64Array(width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) {
      const by = rotation[i * width + j];
      if (back) {
        y[j] += by * x[i];
      } else {
        y[i] += by * x[j];
      }
    }
  }
  return y;
}

function dot(a: Float64Array, atA: number, b: Float64Array, atB: number, width: number): number {
  let sum = 0;
  for (let d = 0; d < width; d++) {
    sum += a[atA + d] * b[atB + d];
  }
  return sum;
}

function add(to: Float64Array, at: number, from: Float64Array, start: number, by: number, width: number): void {
  for (let d = 0; d < width; d++) {
    to[at + d] += by * from[start + d];
  }
}
