import { matrix, type Matrix } from '../../maths/matrix';
import type { Context } from '../../subject/context';
import type { Cost, Subject } from '../../subject/subject';
import { floats } from '../floats';
import { allBlocks, blockHook, missingHook } from '../hooks';
import { quiet } from '../quiet';

/** The streams that one forward may return, in bytes. */
const CHUNK_BYTES = 2 ** 28;

/**
 * The residual stream at its L + 1 places: before the first block, and after each one as the next block reads it (behind the norm
 * where blocks are post-norm, as Hugging Face's `hidden_states` of an encoder are).
 */
export function streamHooks(subject: Subject): string[] {
  const normed = subject.tower.blocks.some(block => block.normalizedResidPost !== undefined);
  const after = normed ? 'hook_normalized_resid_post' : 'hook_resid_post';
  return [blockHook(subject, 0, 'hook_resid_pre'), ...allBlocks(subject, after)];
}

/** Why the stream of this model cannot be read. */
export const refusesStream = (subject: Subject): string | undefined =>
  subject.tower.layers === 0
    ? 'no attention layer was found in this graph'
    : missingHook(subject, streamHooks(subject));

export const streamCost = (subject: Subject, ids: readonly number[]): Cost => ({
  ...subject.cost({ ids: [ids], hooks: streamHooks(subject) }),
  forwards: chunks(subject, ids.length).length
});

/** Gives the stream [position, d_model] at each place in turn. Throws where a number is not finite. */
export async function visitStream(
  subject: Subject,
  ids: readonly number[],
  context: Context,
  visit: (place: number, stream: Matrix) => void
): Promise<void> {
  let place = 0;
  for (const hooks of chunks(subject, ids.length)) {
    context.signal.throwIfAborted();
    const cache = await subject.forward({ ids: [ids], hooks }, quiet(context));
    for (const hook of hooks) {
      const values = floats(cache.get(hook), hook);
      refuseStrange(values, hook, ids.length);
      visit(place++, matrix(ids.length, values.length / ids.length, values));
    }
  }
}

function chunks(subject: Subject, length: number): string[][] {
  const hooks = streamHooks(subject);
  const each = Math.max(1, Math.floor(CHUNK_BYTES / (length * subject.tower.dModel * 4)));
  return Array.from({ length: Math.ceil(hooks.length / each) }, (_, i) => hooks.slice(i * each, (i + 1) * each));
}

function refuseStrange(values: Float32Array, hook: string, length: number): void {
  if (values.length === 0 || values.length % length !== 0) {
    throw new Error(`hook '${hook}' holds ${values.length} numbers, which do not make ${length} positions`);
  }
  const strange = values.findIndex(value => !Number.isFinite(value));
  if (strange >= 0) {
    throw new Error(
      `hook '${hook}' holds ${values[strange]} at position ${Math.floor(strange / (values.length / length))}, where a finite number belongs`
    );
  }
}
