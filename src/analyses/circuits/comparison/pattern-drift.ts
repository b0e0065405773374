import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { visitPatterns } from '../../attention/pattern-runs';
import { quiet } from '../../quiet';

/** Patterns of one model that are held at once, in bytes. */
const MOST_BYTES = 2 ** 26;

/**
 * ½ Σ_key |A − B| of each head, the mean over the queries that see more than one key: the share of its attention that a head gives elsewhere in the second
 * model, 0 to 1 [layer · heads + head].
 */
export async function patternDrift(
  models: readonly [Subject, Subject],
  ids: readonly number[],
  context: Context
): Promise<Float32Array> {
  const { layers, heads, causal } = models[0].tower;
  const drift = new Float32Array(layers * heads);
  const each = Math.max(1, Math.floor(MOST_BYTES / (heads * ids.length ** 2 * 4)));
  for (let from = 0; from < layers; from += each) {
    const chunk = Array.from({ length: Math.min(each, layers - from) }, (_, at) => from + at);
    context.signal.throwIfAborted();
    context.progress({ done: from, total: layers, label: `patterns of layer ${from + 1} of ${layers}` });
    const first = new Map<number, Float32Array>();
    const request = { rows: [ids], layers: chunk };
    await visitPatterns(models[0], request, quiet(context), ({ layer, weights }) => first.set(layer, weights.slice()));
    await visitPatterns(models[1], request, quiet(context), ({ layer, weights }) => {
      for (let head = 0; head < heads; head++) {
        drift[layer * heads + head] = distance(first.get(layer)!, weights, head, ids.length, causal ? 1 : 0);
      }
    });
  }
  return drift;
}

function distance(a: Float32Array, b: Float32Array, head: number, length: number, query: number): number {
  let sum = 0;
  for (let at = (head * length + query) * length; at < (head + 1) * length * length; at++) {
    sum += Math.abs(a[at] - b[at]);
  }
  return length > query ? sum / 2 / (length - query) : 0;
}
