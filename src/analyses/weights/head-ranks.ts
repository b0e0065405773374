import { linearAlgebra, type LinearAlgebra } from '../../maths/linear-algebra';
import { matrix, transpose, type Matrix } from '../../maths/matrix';
import { spectrumStatistics } from '../../maths/spectrum-statistics';
import type { Context } from '../../subject/context';
import type { Cache, Input, Subject } from '../../subject/subject';
import type { WeightName } from '../../subject/weights/weight-table';
import { floats } from '../floats';
import { blockHook, missingHook } from '../hooks';
import { quiet } from '../quiet';

/** Effective and stable rank of QK, of OV, and the rank of the scores. */
const MEASURES = 5;
/** Queries and keys that one forward may return, in bytes. */
const CHUNK_BYTES = 2 ** 28;

const WEIGHTS: readonly WeightName[] = ['W_Q', 'W_K', 'W_V', 'W_O'];

/** Why the ranks of this model's heads cannot be measured. */
export function refusesRanks(subject: Subject): string | undefined {
  const missing = WEIGHTS.find(name => !subject.weights.names.includes(name));
  return missing === undefined
    ? missingHook(subject, scoreHooks(subject).flat())
    : `the weight ${missing} is not stored as numbers that are understood`;
}

/** Of each layer its queries and its keys as they are compared: rotated where the model rotates. */
export function scoreHooks(subject: Subject): string[][] {
  return subject.tower.blocks.map(({ attention }, layer) =>
    ['q', 'k'].map(name => blockHook(subject, layer, `attn.hook_${attention.rotary ? 'rot_' : ''}${name}`))
  );
}

/** W_Q [d, d_h], W_K [d, d_h], W_V [d, d_h], W_Oᵀ [d, d_h] of each head; keys and values of its group. */
function headWeights(subject: Subject, layer: number): Matrix[][] {
  const { heads, kvHeads } = subject.tower;
  const stacks = WEIGHTS.map(name => {
    const { dims, data } = subject.weights.read(name, { layers: [layer] });
    const [, , rows, columns] = dims;
    return (head: number): Matrix =>
      matrix(rows, columns, (data as Float32Array).subarray(head * rows * columns, (head + 1) * rows * columns));
  });
  return Array.from({ length: heads }, (_, head) => {
    const group = Math.floor(head / (heads / kvHeads));
    return [stacks[0](head), stacks[1](group), stacks[2](group), transpose(stacks[3](head))];
  });
}

/** Effective and stable rank of W_Q·W_Kᵀ and of W_V·W_O. */
export function mapRanks([q, k, v, o]: readonly Matrix[], algebra: LinearAlgebra): number[] {
  return [productSpectrum(q, k, algebra), productSpectrum(v, o, algebra)]
    .map(spectrumStatistics)
    .flatMap(({ effectiveRank, stableRank }) => [effectiveRank, stableRank]);
}

/** Singular values of a·bᵀ, a [m, k] and b [n, k]: those of R_a·R_bᵀ of their QR decompositions, k × k. */
function productSpectrum(a: Matrix, b: Matrix, algebra: LinearAlgebra): Float64Array {
  const [left, right] = [a, b].map(one => algebra.qr(one).r);
  return algebra.singularValues(algebra.multiply(left, transpose(right)));
}

/** Numerical rank of q·kᵀ of each head: singular values above σ₁ · T · 2⁻²³. */
function scoreRanks(cache: Cache, hooks: readonly string[], length: number, algebra: LinearAlgebra): number[] {
  const [q, k] = hooks.map(name => {
    const read = cache.get(name);
    return { heads: read.dims[2], width: read.dims[3], data: floats(read, name) };
  });
  return Array.from({ length: q.heads }, (_, head) => {
    const of = ({ heads, width, data }: typeof q, at: number): Matrix => {
      const rows = new Float64Array(length * width);
      for (let pos = 0; pos < length; pos++) {
        const from = (pos * heads + at) * width;
        rows.set(data.subarray(from, from + width), pos * width);
      }
      return matrix(length, width, rows);
    };
    const singular = productSpectrum(of(q, head), of(k, Math.floor(head / (q.heads / k.heads))), algebra);
    return singular.filter(value => value > singular[0] * length * 2 ** -23).length;
  });
}

/** The layers that one forward serves. */
function chunks(subject: Subject, length: number): number[][] {
  const { layers, heads, kvHeads, dHead } = subject.tower;
  const each = Math.max(1, Math.floor(CHUNK_BYTES / (length * (heads + kvHeads) * dHead * 4)));
  return Array.from({ length: Math.ceil(layers / each) }, (_, i) =>
    Array.from({ length: Math.min(each, layers - i * each) }, (__, j) => i * each + j)
  );
}

/** [measure, layer, head] of one model; `visit` gets the matrices of each head, numbered through the layers. */
export async function headRanks(
  subject: Subject,
  { ids }: Input,
  context: Context,
  visit: (weights: readonly Matrix[], at: number, algebra: LinearAlgebra) => void = () => undefined
): Promise<Float32Array> {
  const algebra = await linearAlgebra();
  const { layers, heads } = subject.tower;
  const hooks = scoreHooks(subject);
  const values = new Float32Array(MEASURES * layers * heads);
  for (const chunk of chunks(subject, ids.length)) {
    const request = { ids: [ids], hooks: chunk.flatMap(layer => hooks[layer]) };
    const cache = await subject.forward(request, quiet(context));
    for (const layer of chunk) {
      context.progress({ done: layer, total: layers, label: `layer ${layer + 1} of ${layers}` });
      const weights = headWeights(subject, layer);
      const scores = scoreRanks(cache, hooks[layer], ids.length, algebra);
      for (let head = 0; head < heads; head++) {
        await new Promise(resolve => setTimeout(resolve));
        context.signal.throwIfAborted();
        [...mapRanks(weights[head], algebra), scores[head]].forEach(
          (value, m) => (values[(m * layers + layer) * heads + head] = value)
        );
        visit(weights[head], layer * heads + head, algebra);
      }
    }
  }
  return values;
}
