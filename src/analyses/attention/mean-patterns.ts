import type { Context } from '../../subject/context';
import type { Input, Subject } from '../../subject/subject';
import type { PatternLayer } from './pattern-bytes';
import { visitPatterns } from './pattern-runs';
import { quiet } from '../quiet';

/** Sums that are held at once. */
const MOST_BYTES = 2 ** 28;

export interface MeanPatterns {
  /** In the order of the layers asked for. */
  readonly patterns: readonly PatternLayer[];
  /** Texts that have each position. */
  readonly counts: readonly number[];
}

/** Mean of the patterns at equal positions; a query's row over the texts that have it. Throws where the sums would be too large. */
export async function meanPatterns(
  subject: Subject,
  texts: readonly Input[],
  layers: readonly number[],
  context: Context
): Promise<MeanPatterns> {
  const { heads } = subject.tower;
  const length = Math.max(...texts.map(({ ids }) => ids.length));
  const bytes = layers.length * heads * length ** 2 * 4;
  if (bytes > MOST_BYTES) {
    throw new Error(
      `mean too large: ${layers.length} layers of ${heads} heads on ${length} tokens take ${bytes} bytes, at most ${MOST_BYTES} are held (choose layers)`
    );
  }
  const counts = Array.from({ length }, (_, at) => texts.filter(({ ids }) => ids.length > at).length);
  const sums = new Map(layers.map(layer => [layer, new Float32Array(heads * length * length)]));
  for (const [done, { ids }] of texts.entries()) {
    context.signal.throwIfAborted();
    context.progress({ done, total: texts.length, label: `text ${done + 1} of ${texts.length}` });
    await visitPatterns(subject, { rows: [ids], layers }, quiet(context), ({ layer, weights, length: own }) => {
      const sum = sums.get(layer)!;
      for (let row = 0; row < heads * own; row++) {
        const [head, query] = [Math.floor(row / own), row % own];
        for (let key = 0; key < own; key++) {
          sum[(head * length + query) * length + key] += weights[row * own + key] / counts[query];
        }
      }
    });
  }
  context.progress({ done: texts.length, total: texts.length, label: 'done' });
  return { patterns: layers.map(layer => ({ length, weights: sums.get(layer)! })), counts };
}
