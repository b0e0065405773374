import type { AttentionPoint } from '../../maths/attention-jacobian';
import type { LinearAlgebra } from '../../maths/linear-algebra';
import type { Matrix } from '../../maths/matrix';
import { mapOf, productOf, spectralNorm } from '../../maths/spectral-norm';

const PATIENCE = { most: 60, settled: 1e-10 };

/**
 * Above the spectral norm of the layer's Jacobian, by the triangle inequality over heads and over the three ways of a change e of the input:
 * through the values ‖P‖₂‖W_V·W_O‖₂ ≤ √(‖P‖₁‖P‖_∞)‖W_V·W_O‖₂; through a query scale·‖W_Q‖₂‖W_O‖₂ maxᵢ σᵢ(k̃)σᵢ(v), for its change of z is
 * scale·Σⱼ Pᵢⱼ (dq̃·k̃ⱼ)(vⱼ − zᵢ) and Cauchy–Schwarz; through keys scale·‖W_K‖₂‖W_O‖₂ √(maxⱼ Σᵢ Pᵢⱼ‖q̃ᵢ‖²σᵢ(v)²). σᵢ(·)² is the variance under
 * row i of the pattern; what a row lacks to one (a sink) holds a key and a value of zero.
 */
export async function attentionBound(point: AttentionPoint, algebra: LinearAlgebra): Promise<number> {
  const { rotations } = point;
  const turn = (side: 'queries' | 'keys'): number => (rotations ? Math.max(...rotations[side].map(gain)) : 1);
  let sum = 0;
  for (let head = 0; head < point.heads; head++) {
    const [q, k, v, o] = weightsOf(point, head);
    const norms: number[] = [];
    for (const one of [mapOf(q), mapOf(k), mapOf(o), productOf(mapOf(v), mapOf(o))]) {
      norms.push((await spectralNorm(one, PATIENCE, algebra)).value);
    }
    const { mixing, queries, keys } = spreads(point, head);
    const compared = turn('queries') * norms[0] * queries + turn('keys') * norms[1] * keys;
    sum += mixing * norms[3] + point.scale * norms[2] * compared;
  }
  return sum;
}

/** W_Q, W_K, W_V [d_model, width] and W_O [width, d_model] of a head. */
function weightsOf({ reads, writes, heads, kvHeads, width }: AttentionPoint, head: number): Matrix[] {
  const group = Math.floor((head * kvHeads) / heads);
  const columns = (from: number): Matrix => {
    const data = new Float64Array(reads.rows * width);
    for (let row = 0; row < reads.rows; row++) {
      const start = row * reads.columns + from * width;
      data.set(reads.data.subarray(start, start + width), row * width);
    }
    return { rows: reads.rows, columns: width, data };
  };
  const size = width * writes.columns;
  const own = { rows: width, columns: writes.columns, data: writes.data.subarray(head * size, (head + 1) * size) };
  return [columns(head), columns(heads + group), columns(heads + kvHeads + group), own];
}

interface Spreads {
  readonly mixing: number;
  readonly queries: number;
  readonly keys: number;
}

function spreads(point: AttentionPoint, head: number): Spreads {
  const { tokens, heads, kvHeads, width, q, k, v, pattern } = point;
  const group = Math.floor((head * kvHeads) / heads);
  const [sums, loads] = [new Float64Array(tokens), new Float64Array(tokens)];
  let [widest, queries] = [0, 0];
  for (let i = 0; i < tokens; i++) {
    const row = pattern.subarray((head * tokens + i) * tokens, (head * tokens + i + 1) * tokens);
    const of = (values: Float64Array): number => variance(row, values, kvHeads * width, group * width, width);
    const spread = of(v);
    const start = (i * heads + head) * width;
    const length = q.subarray(start, start + width).reduce((sum, value) => sum + value ** 2, 0);
    widest = Math.max(
      widest,
      row.reduce((sum, p) => sum + p, 0)
    );
    queries = Math.max(queries, Math.sqrt(of(k) * spread));
    row.forEach((p, j) => {
      sums[j] += p;
      loads[j] += p * length * spread;
    });
  }
  return { mixing: Math.sqrt(Math.max(...sums) * widest), queries, keys: Math.sqrt(Math.max(...loads)) };
}

/** Σⱼ pⱼ‖xⱼ − x̄‖² with what p lacks to one at zero. */
function variance(row: Float64Array, values: Float64Array, stride: number, from: number, width: number): number {
  const mean = new Float64Array(width);
  let square = 0;
  row.forEach((p, j) => {
    for (let d = 0; d < width && p > 0; d++) {
      const value = values[j * stride + from + d];
      mean[d] += p * value;
      square += p * value ** 2;
    }
  });
  return Math.max(0, square - mean.reduce((sum, value) => sum + value ** 2, 0));
}

/** The longest column of what turned a token's queries or keys: 1, or its gain. */
function gain(rotation: Float64Array): number {
  const width = Math.sqrt(rotation.length);
  const squares = new Float64Array(width);
  rotation.forEach((value, at) => (squares[at % width] += value ** 2));
  return Math.sqrt(Math.max(...squares));
}
