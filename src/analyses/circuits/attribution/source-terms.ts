import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { floats } from '../../floats';
import { blockHook } from '../../hooks';
import type { MeasuredPrompt } from '../../patching/measured-prompts';
import { quiet } from '../../quiet';
import { dot, headFactor, headWrites, heldNorm, rowOf, totalOf, type ReadDirections } from '../stream-parts';

/** Bytes of patterns and values that are fetched at once. */
const MOST_BYTES = 2 ** 28;

/** A head, and the direction that its writes are read along. */
export interface SourceHead {
  readonly layer: number;
  readonly head: number;
}

export const sourceHooks = (subject: Subject, layers: readonly number[]): string[] =>
  layers.flatMap(layer => ['pattern', 'v', 'z'].map(name => blockHook(subject, layer, `attn.hook_${name}`)));

/** What each head writes where the answer is read along its layer's direction, by the position it was read from: [head][position], each row adds up to the head's term. */
export async function sourceTerms(
  subject: Subject,
  { clean: { ids }, answerAt }: MeasuredPrompt,
  heads: readonly SourceHead[],
  { attention }: ReadDirections,
  context: Context
): Promise<Float64Array[]> {
  const layers = [...new Set(heads.map(({ layer }) => layer))];
  const { bytes } = subject.cost({ ids: [ids], hooks: sourceHooks(subject, layers) });
  const groups = bytes <= MOST_BYTES ? [layers] : layers.map(layer => [layer]);
  const found: Float64Array[] = [];
  for (const group of groups) {
    const cache = await subject.forward({ ids: [ids], hooks: sourceHooks(subject, group) }, quiet(context));
    heads.forEach(({ layer, head }, at) => {
      if (group.includes(layer)) {
        const [patterns, values, results] = sourceHooks(subject, [layer]);
        const [pattern, v] = [patterns, values].map(hook => floats(cache.get(hook), hook));
        const own = behindHeads(subject, layer, rowOf(cache, results, answerAt), attention[layer]);
        const from = (head * ids.length + answerAt) * ids.length;
        found[at] = bySource(subject, { layer, head }, pattern.subarray(from, from + ids.length), v, own);
      }
    });
  }
  return found;
}

/** What `direction` is in front of the norm behind the layer's heads, its scale held; the direction itself where there is none. */
function behindHeads(subject: Subject, layer: number, z: Float64Array, direction: Float64Array): Float64Array {
  const norm = heldNorm(subject, layer, 'ln1_post', totalOf(headWrites(subject, z, layer)));
  return norm ? norm.pullBack(direction.slice()).map(value => value / norm.scale) : direction;
}

/** A[last, s] · (v[s]·W_O·direction) */
function bySource(
  subject: Subject,
  { layer, head }: SourceHead,
  looks: Float32Array,
  v: Float32Array,
  direction: Float64Array
): Float64Array {
  const { weights, tower } = subject;
  const factor = headFactor(subject, layer);
  const w = weights.read('W_O', { layers: [layer], heads: [head] });
  const [width, dModel] = w.dims.slice(-2);
  const rows = w.data as Float32Array;
  const read = Float64Array.from(
    { length: width },
    (_, d) => factor * dot(rows.subarray(d * dModel, (d + 1) * dModel), direction)
  );
  const own = Math.floor((head * tower.kvHeads) / tower.heads);
  return Float64Array.from(looks, (weight, source) => {
    const at = (source * tower.kvHeads + own) * width;
    return weight * dot(v.subarray(at, at + width), read);
  });
}
