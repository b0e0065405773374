import type { LinearAlgebra } from '../../../maths/linear-algebra';
import { transpose, type Matrix } from '../../../maths/matrix';
import type { Random } from '../../../maths/random';
import { topK } from '../../../maths/top-k';
import type { Context } from '../../../subject/context';
import { otherTasks } from '../other-tasks';
import { ownRanks, type OwnRanks } from './own-ranks';
import { topTokens, type ScoredToken } from './top-tokens';
import { CHUNK, type VocabularySide } from './vocabulary-side';

/** A head as a product of two thin matrices: a [d_model, d_head], b [d_head, d_model]. */
export interface BilinearHead {
  readonly a: Matrix;
  readonly b: Matrix;
}

/** x·A·B·yᵀ between tokens x of the left and y of the right side. */
export interface VocabularyCircuit {
  readonly left: VocabularySide;
  readonly right: VocabularySide;
  readonly layers: number;
  readonly heads: number;
  head(layer: number): readonly BilinearHead[];
}

export interface CircuitRequest {
  /** Absent: the head of the largest eigenvalue score. */
  readonly chosen?: { readonly layer: number; readonly head: number };
  /** Heads whose shares are computed, of the largest eigenvalue scores; the chosen head besides. */
  readonly shares: number;
  /** Tokens that the shares are over; all where there are no more. */
  readonly sources: number;
  readonly directions: number;
  readonly topK: number;
  /** Tokens whose rows of the chosen head are listed. */
  readonly tokens: readonly number[];
}

/** One singular direction of the chosen head. */
export interface Direction {
  readonly singular: number;
  /** Tokens at both ends: `left` is what is read, `right` what it goes with; the ends are turned so that the largest value on the right is at `plus`. */
  readonly plus: { readonly left: readonly ScoredToken[]; readonly right: readonly ScoredToken[] };
  readonly minus: { readonly left: readonly ScoredToken[]; readonly right: readonly ScoredToken[] };
}

export interface CircuitFindings {
  /** Σλ/Σ|λ| over the vocabulary [layer · heads + head]; NaN where all eigenvalues are 0. */
  readonly eigenvalue: Float32Array;
  /** Share of the tokens whose own token is first, and among the first 5; NaN where it was not asked for. */
  readonly top1: Float32Array;
  readonly top5: Float32Array;
  readonly sources: number;
  readonly layer: number;
  readonly head: number;
  /** All singular values of the chosen head, the largest first. */
  readonly singular: Float64Array;
  readonly directions: readonly Direction[];
  /** By `tokens`. */
  readonly rows: readonly (readonly ScoredToken[])[];
}

/** Two passes over the vocabulary in row blocks; nothing larger than d_model × d_model or block × vocabulary rows is held. */
export async function findCircuit(
  circuit: VocabularyCircuit,
  request: CircuitRequest,
  { algebra, random, context }: { readonly algebra: LinearAlgebra; readonly random: Random; readonly context: Context }
): Promise<CircuitFindings> {
  const { left, right, layers, heads } = circuit;
  const chunks = Math.ceil(right.size / CHUNK);
  const total = 2 * chunks + layers;
  const step = async (done: number, label: string): Promise<void> => {
    await otherTasks();
    context.signal.throwIfAborted();
    context.progress({ done, total, label });
  };
  const gram = await gramOf(left, right, algebra, at => step(at, `vocabulary ${at + 1} of ${chunks}`));
  const eigenvalue = new Float32Array(layers * heads);
  for (let layer = 0; layer < layers; layer++) {
    await step(chunks + layer, `layer ${layer + 1} of ${layers}`);
    circuit.head(layer).forEach((head, at) => (eigenvalue[layer * heads + at] = eigenvalueScore(head, gram, algebra)));
  }
  const order = topK(
    eigenvalue.map(value => (Number.isNaN(value) ? -2 : value)),
    Math.max(1, request.shares)
  );
  const chosen = request.chosen ?? { layer: Math.floor(order[0] / heads), head: order[0] % heads };
  const counted = new Set([
    ...(request.chosen ? [chosen.layer * heads + chosen.head] : []),
    ...order.slice(0, request.shares)
  ]);
  const ids = drawn(random, right.size, request.sources);
  const own = { left: left.rows(ids), right: right.rows(ids) };
  const ranked = new Map(
    [...counted].map(at => [at, ownRanks(circuit.head(Math.floor(at / heads))[at % heads], ids, own, algebra)])
  );
  const found = await tokensOf(circuit, { ...request, ...chosen }, ranked, algebra, at =>
    step(chunks + layers + at, `tokens ${at + 1} of ${chunks}`)
  );
  context.progress({ done: total, total, label: 'done' });
  const shares = (k: number): Float32Array => eigenvalue.map((_, at) => ranked.get(at)?.share(k) ?? NaN);
  return { eigenvalue, top1: shares(1), top5: shares(5), sources: ids.length, ...chosen, ...found };
}

/** Σ_t y_tᵀ·x_t, [d_model, d_model]. */
export async function gramOf(
  left: VocabularySide,
  right: VocabularySide,
  algebra: LinearAlgebra,
  step: (at: number) => Promise<void>
): Promise<Matrix> {
  const others = left.chunks();
  let sum: Matrix | undefined;
  let at = 0;
  for (const { rows } of right.chunks()) {
    await step(at++);
    const part = algebra.multiply(transpose(rows), others.next().value!.rows);
    part.data.forEach((value, place) => (part.data[place] = value + (sum?.data[place] ?? 0)));
    sum = part;
  }
  return sum!;
}

/** The eigenvalues of X·A·B·Yᵀ [vocabulary, vocabulary] that are not zero are those of B·(YᵀX)·A [d_head, d_head]. */
export function eigenvalueScore({ a, b }: BilinearHead, gram: Matrix, algebra: LinearAlgebra): number {
  const { re, im } = algebra.eigenvalues(algebra.multiply(b, algebra.multiply(gram, a)));
  const sum = re.reduce((total, value) => total + value, 0);
  const sizes = re.reduce((total, value, at) => total + Math.hypot(value, im[at]), 0);
  return sum / sizes;
}

/** Different tokens, in order; all where there are no more. */
function drawn(random: Random, size: number, count: number): number[] {
  const all = Array.from({ length: size }, (_, id) => id);
  if (count >= size) {
    return all;
  }
  for (let at = 0; at < count; at++) {
    const other = at + random.below(size - at);
    [all[at], all[other]] = [all[other], all[at]];
  }
  return all.slice(0, count).sort((a, b) => a - b);
}

/** The second pass: ranks of own tokens, tokens of the chosen head's directions, rows of chosen tokens. */
async function tokensOf(
  { left, right, head }: VocabularyCircuit,
  request: CircuitRequest & { readonly layer: number; readonly head: number },
  ranked: ReadonlyMap<number, OwnRanks>,
  algebra: LinearAlgebra,
  step: (at: number) => Promise<void>
): Promise<Pick<CircuitFindings, 'singular' | 'directions' | 'rows'>> {
  const { a, b } = head(request.layer)[request.head];
  const { u, s, v } = svdOf(a, b, algebra);
  const count = Math.min(request.directions, s.length);
  const [reads, writes] = [bothEnds(u, count), bothEnds(v, count)];
  const [onLeft, onRight, rows] = [2 * count, 2 * count, request.tokens.length].map(size =>
    topTokens(size, request.topK)
  );
  const own = request.tokens.length ? algebra.multiply(algebra.multiply(left.rows(request.tokens), a), b) : undefined;
  const others = left.chunks();
  let at = 0;
  for (const { start, rows: tokens } of right.chunks()) {
    await step(at++);
    const columns = transpose(tokens);
    ranked.forEach(ranks => ranks.add(start, algebra.multiply(ranks.reads, columns)));
    onRight.add(start, algebra.multiply(writes, columns));
    onLeft.add(start, algebra.multiply(reads, transpose(others.next().value!.rows)));
    if (own) {
      rows.add(start, algebra.multiply(own, columns));
    }
  }
  const directions = Array.from({ length: count }, (_, direction): Direction => {
    const [plus, minus] = [2 * direction, 2 * direction + 1].map(end => ({
      left: onLeft.rows[end],
      right: onRight.rows[end]
    }));
    const turned = minus.right[0].value > plus.right[0].value;
    return { singular: s[direction], ...(turned ? { plus: minus, minus: plus } : { plus, minus }) };
  });
  return { singular: s, directions, rows: rows.rows };
}

/** A·B = U·S·Vᵀ by two thin QR decompositions and one small core. */
function svdOf(
  a: Matrix,
  b: Matrix,
  algebra: LinearAlgebra
): { readonly u: Matrix; readonly s: Float64Array; readonly v: Matrix } {
  const [front, behind] = [algebra.qr(a), algebra.qr(transpose(b))];
  const core = algebra.svd(algebra.multiply(front.r, transpose(behind.r)));
  return { u: algebra.multiply(front.q, core.u), s: core.s, v: algebra.multiply(behind.q, core.v) };
}

/** The first columns and their opposites as rows: + of the first, − of the first, + of the second, … */
function bothEnds({ rows, columns, data }: Matrix, count: number): Matrix {
  const ends = new Float64Array(2 * count * rows);
  for (let end = 0; end < 2 * count; end++) {
    for (let row = 0; row < rows; row++) {
      ends[end * rows + row] = (end % 2 ? -1 : 1) * data[row * columns + Math.floor(end / 2)];
    }
  }
  return { rows: 2 * count, columns: rows, data: ends };
}
