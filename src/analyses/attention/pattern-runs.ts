import type { Context } from '../../subject/context';
import type { Cost, Subject } from '../../subject/subject';
import { allBlocks, blockHook, missingHook } from '../hooks';
import { quiet } from '../quiet';

/** All patterns that one forward may return, in bytes. */
const CHUNK_BYTES = 2 ** 28;

/** What is read: sequences of one length, and layers. */
export interface PatternRequest {
  readonly rows: readonly (readonly number[])[];
  readonly layers: readonly number[];
}

/** One layer's patterns [head, query_pos, key_pos] of one sequence. */
export interface LayerPattern {
  readonly row: number;
  readonly layer: number;
  readonly heads: number;
  readonly length: number;
  readonly weights: Float32Array;
}

const PATTERN = 'attn.hook_pattern';

/** Why the attention patterns of this model cannot be read. */
export function refusesPatterns(subject: Subject): string | undefined {
  if (!subject.tower.layers) {
    return 'no attention layer was found in this graph';
  }
  return missingHook(subject, allBlocks(subject, PATTERN));
}

export function patternCost(subject: Subject, request: PatternRequest): Cost {
  const costs = forwards(subject, request).map(({ row, layers }) =>
    subject.cost({ ids: [request.rows[row]], hooks: layers.map(layer => blockHook(subject, layer, PATTERN)) })
  );
  return {
    forwards: costs.reduce((sum, cost) => sum + cost.forwards, 0),
    bytes: costs.reduce((sum, cost) => sum + cost.bytes, 0)
  };
}

/** Visits every pattern once: a forward for each sequence, and more where all layers together would be too large. */
export async function visitPatterns(
  subject: Subject,
  request: PatternRequest,
  context: Context,
  visit: (pattern: LayerPattern) => void
): Promise<void> {
  const steps = forwards(subject, request);
  for (const [done, { row, layers }] of steps.entries()) {
    context.signal.throwIfAborted();
    context.progress({ done, total: steps.length, label: `forward ${done + 1} of ${steps.length}` });
    const hooks = layers.map(layer => blockHook(subject, layer, PATTERN));
    const cache = await subject.forward({ ids: [request.rows[row]], hooks }, quiet(context));
    layers.forEach((layer, i) => visit(read(cache.get(hooks[i]), hooks[i], row, layer, request.rows[row].length)));
  }
  context.progress({ done: steps.length, total: steps.length, label: 'done' });
}

function forwards(subject: Subject, { rows, layers }: PatternRequest): { row: number; layers: readonly number[] }[] {
  const bytes = subject.tower.heads * (rows[0]?.length ?? 0) ** 2 * 4;
  const each = Math.max(1, Math.floor(CHUNK_BYTES / bytes));
  return rows.flatMap((_, row) =>
    Array.from({ length: Math.ceil(layers.length / each) }, (_, i) => ({
      row,
      layers: layers.slice(i * each, (i + 1) * each)
    }))
  );
}

function read(
  { dims, data }: { readonly dims: readonly number[]; readonly data: unknown },
  hook: string,
  row: number,
  layer: number,
  length: number
): LayerPattern {
  const [batch, heads, queries, keys] = dims;
  if (dims.length !== 4 || batch !== 1 || queries !== length || keys !== length || !(data instanceof Float32Array)) {
    throw new Error(`hook '${hook}' has shape [${dims.join(', ')}] where [1, heads, ${length}, ${length}] belongs`);
  }
  if (!Number.isFinite(sum(data))) {
    throw new Error(`hook '${hook}' holds a weight that is not a number`);
  }
  return { row, layer, heads, length, weights: data };
}

/** Not finite as soon as one number is not. */
function sum(values: Float32Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    total += values[i];
  }
  return total;
}
