import { linearAlgebra } from '../../../maths/linear-algebra';
import { matrix, type Matrix } from '../../../maths/matrix';
import type { Context } from '../../../subject/context';
import type { Cache, Subject } from '../../../subject/subject';
import { floats } from '../../floats';
import { blockHook, missingHook } from '../../hooks';
import { quiet } from '../../quiet';
import { frozenNorm, NO_NORM, type FrozenNorm } from '../frozen-norm';
import { dot, headFactor, refusesNormedWrites, refusesParts, rowOf, streamHook } from '../stream-parts';

const hooksOf = (subject: Subject, layers: readonly number[]): string[] => [
  ...layers.flatMap(layer => ['attn.hook_pattern', 'attn.hook_v'].map(name => blockHook(subject, layer, name))),
  streamHook(subject, subject.tower.layers)
];

/** Why heads' writes cannot be read as logits, or undefined when they can. */
export function refusesCopying(subject: Subject): string | undefined {
  const { head, dVocab, finalNorm, blocks } = subject.tower;
  if (!head || !dVocab) {
    return 'the model has no unembedding';
  }
  if (!subject.weights.names.includes('W_U')) {
    return 'its unembedding is not stored as numbers that are understood';
  }
  if (finalNorm && finalNorm.epsilon === undefined) {
    return 'its final norm has no known epsilon';
  }
  return (
    refusesNormedWrites(subject) ?? refusesParts(subject) ?? missingHook(subject, hooksOf(subject, [...blocks.keys()]))
  );
}

/**
 * Copying [layer of `layers`][head], logits: how much each head raises the logit of the token it attends to above the mean of the sequence's tokens,
 * directly, averaged over the query positions: 1/T Σ_i Σ_j A_ij · v_j·W_O·(u[x_j] − mean u)/σ_i, u the unembedding behind the final norm, whose
 * scale σ is held at its measured value.
 */
export async function copyingScores(
  subject: Subject,
  ids: readonly number[],
  layers: readonly number[],
  context: Context
): Promise<number[][]> {
  const { heads } = subject.tower;
  const cache = await subject.forward({ ids: [ids], hooks: hooksOf(subject, layers) }, quiet(context));
  const norms = finalNorms(subject, cache, ids.length);
  const { columns, of } = directions(subject, ids, norms[0]);
  const { multiply } = await linearAlgebra();
  const scores: number[][] = [];
  for (const layer of layers) {
    context.signal.throwIfAborted();
    const { dims, data } = subject.weights.read('W_O', { layers: [layer] });
    const [width, dModel] = dims.slice(-2);
    const reads = multiply(matrix(heads * width, dModel, data as Float32Array), columns);
    scores.push(
      Array.from({ length: heads }, (_, head) => copied(subject, cache, { layer, head, width }, reads, of, norms))
    );
  }
  return scores;
}

/** Centred directions of the sequence's tokens in front of the final norm, without its scale: [d_model, token], and each position's token. */
function directions(
  { weights, tower }: Subject,
  ids: readonly number[],
  norm: FrozenNorm
): { readonly columns: Matrix; readonly of: readonly number[] } {
  const tokens = [...new Set(ids)];
  const each = tokens.map(id => {
    const column = weights.read('W_U', { range: [id, id + 1] }).data as Float32Array;
    return norm.pullBack(Float64Array.from(column));
  });
  const data = new Float64Array(tower.dModel * tokens.length);
  for (let m = 0; m < tower.dModel; m++) {
    const mean = each.reduce((sum, one) => sum + one[m], 0) / tokens.length;
    each.forEach((one, token) => (data[m * tokens.length + token] = one[m] - mean));
  }
  return { columns: matrix(tower.dModel, tokens.length, data), of: ids.map(id => tokens.indexOf(id)) };
}

/** At each position. */
function finalNorms(subject: Subject, cache: Cache, length: number): FrozenNorm[] {
  const { finalNorm, layers } = subject.tower;
  const { weights } = subject;
  const weight = weights.names.includes('ln_final.w') ? (weights.read('ln_final.w').data as Float32Array) : undefined;
  return Array.from({ length }, (_, position) =>
    finalNorm ? frozenNorm(finalNorm, weight, rowOf(cache, streamHook(subject, layers), position)) : NO_NORM
  );
}

function copied(
  subject: Subject,
  cache: Cache,
  { layer, head, width }: { readonly layer: number; readonly head: number; readonly width: number },
  reads: Matrix,
  of: readonly number[],
  norms: readonly FrozenNorm[]
): number {
  const { heads, kvHeads } = subject.tower;
  const [pattern, v] = ['attn.hook_pattern', 'attn.hook_v'].map(name => {
    const hook = blockHook(subject, layer, name);
    return floats(cache.get(hook), hook);
  });
  const own = Math.floor((head * kvHeads) / heads);
  const length = of.length;
  const rises = of.map((token, key) => {
    const at = (key * kvHeads + own) * width;
    const read = Float64Array.from({ length: width }, (_, d) => reads.data[(head * width + d) * reads.columns + token]);
    return dot(v.subarray(at, at + width), read);
  });
  return (
    norms.reduce((sum, { scale }, query) => {
      const at = (head * length + query) * length;
      return sum + (headFactor(subject, layer) * dot(pattern.subarray(at, at + length), rises)) / scale;
    }, 0) / length
  );
}
