import type { LinearAlgebra } from '../../../maths/linear-algebra';
import { transpose, type Matrix } from '../../../maths/matrix';
import type { FoldedLayer } from '../folded-heads';

/** What of the later head is written to: its queries, keys or values. */
export const MODES = ['Q', 'K', 'V'] as const;
export type Mode = (typeof MODES)[number];

/** A layer's heads as writers. */
export interface Senders {
  /** R_h·W_O[h] of all heads below one another, R_h of the QR decomposition of W_V: as long as W_V·W_O in every direction. */
  readonly writes: Matrix;
  /** ‖W_V·W_O‖ [head]. */
  readonly norms: readonly number[];
}

/** A layer's heads as readers, for one mode. */
export interface Receivers {
  /** What reads the stream, of all (key/value) heads side by side [d_model, group · d_head]. */
  readonly reads: Matrix;
  /** [head]: the group it reads, what stands behind it as a factor of the same lengths where it is not in `reads`, ‖product‖. */
  readonly heads: readonly { readonly group: number; readonly tail?: Matrix; readonly norm: number }[];
}

export function frobenius({ data }: Matrix): number {
  let sum = 0;
  for (const value of data) {
    sum += value * value;
  }
  return Math.sqrt(sum);
}

/** ‖A·X‖ = ‖R·X‖ where A = Q·R: no matrix of d_model × d_model is ever made. */
export function senders({ v, o }: FoldedLayer, groupOf: (head: number) => number, algebra: LinearAlgebra): Senders {
  const factors = v.map(one => algebra.qr(one).r);
  const writes = o.map((one, head) => algebra.multiply(factors[groupOf(head)], one));
  return { writes: stacked(writes), norms: writes.map(frobenius) };
}

/** Q: W_Q·W_Kᵀ, K: W_K·W_Qᵀ, V: W_V·W_O. */
export function receivers(
  layer: FoldedLayer,
  groupOf: (head: number) => number,
  algebra: LinearAlgebra
): Record<Mode, Receivers> {
  const { q, k, v, o } = layer;
  const same = (head: number): number => head;
  const of = (
    front: readonly Matrix[],
    frontOf: (head: number) => number,
    behind: readonly Matrix[],
    behindOf: (head: number) => number
  ): Receivers => {
    const fronts = front.map(one => algebra.qr(one).r);
    const tails = behind.map(one => transpose(algebra.qr(one).r));
    const norms = q.map((_, head) => frobenius(algebra.multiply(fronts[frontOf(head)], tails[behindOf(head)])));
    // What is read by one head alone is joined with what stands behind it, once.
    const alone = front.length === q.length;
    const reads = alone ? front.map((one, head) => algebra.multiply(one, tails[behindOf(head)])) : front;
    return {
      reads: beside(reads),
      heads: norms.map((norm, head) => ({
        group: frontOf(head),
        norm,
        ...(!alone && { tail: tails[behindOf(head)] })
      }))
    };
  };
  return { Q: of(q, same, k, groupOf), K: of(k, groupOf, q, same), V: of(v, groupOf, o.map(transpose), same) };
}

/** ‖A·B‖/(‖A‖·‖B‖) [sender][receiver]; NaN where either is zero. */
export function scores(from: Senders, to: Receivers, algebra: LinearAlgebra): number[][] {
  const rows = from.writes.rows / from.norms.length;
  if (to.heads.every(({ tail }) => tail === undefined)) {
    const count = to.heads.length;
    const norms = algebra.blockNorms(from.writes, to.reads, { rows, columns: to.reads.columns / count });
    return from.norms.map((length, sender) =>
      to.heads.map(({ norm }, receiver) => norms[sender * count + receiver] / (length * norm))
    );
  }
  const inner = algebra.multiply(from.writes, to.reads);
  const width = to.reads.columns / (1 + Math.max(...to.heads.map(({ group }) => group)));
  const byReceiver = to.heads.map(({ group, tail, norm }) => {
    const own = columnsOf(inner, group * width, width);
    const product = tail ? algebra.multiply(own, tail) : own;
    return from.norms.map((length, sender) => {
      const part = product.data.subarray(sender * rows * product.columns, (sender + 1) * rows * product.columns);
      return frobenius({ rows, columns: product.columns, data: part }) / (length * norm);
    });
  });
  return from.norms.map((_, sender) => byReceiver.map(column => column[sender]));
}

function columnsOf({ rows, columns, data }: Matrix, start: number, width: number): Matrix {
  if (width === columns) {
    return { rows, columns, data };
  }
  const part = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    part.set(data.subarray(row * columns + start, row * columns + start + width), row * width);
  }
  return { rows, columns: width, data: part };
}

function stacked(parts: readonly Matrix[]): Matrix {
  const [{ columns }] = parts;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const data = new Float64Array(rows * columns);
  parts.reduce((at, part) => (data.set(part.data, at), at + part.data.length), 0);
  return { rows, columns, data };
}

function beside(parts: readonly Matrix[]): Matrix {
  const [{ rows, columns }] = parts;
  const all = columns * parts.length;
  const data = new Float64Array(rows * all);
  parts.forEach((part, at) => {
    for (let row = 0; row < rows; row++) {
      data.set(part.data.subarray(row * columns, (row + 1) * columns), row * all + at * columns);
    }
  });
  return { rows, columns: all, data };
}
