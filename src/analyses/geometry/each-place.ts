import type { Matrix } from '../../maths/matrix';
import type { Context } from '../../subject/context';

/** Works on each place of the stream in turn, after `before` other steps; a cancel is heard between them. */
export async function eachPlace<T>(
  places: readonly (() => Matrix)[],
  before: number,
  context: Context,
  work: (points: Matrix, place: number) => T | Promise<T>
): Promise<T[]> {
  const found: T[] = [];
  for (const [place, read] of places.entries()) {
    context.progress({
      done: before + place,
      total: before + places.length,
      label: `place ${place + 1} of ${places.length}`
    });
    await otherTasks();
    context.signal.throwIfAborted();
    found.push(await work(read(), place));
  }
  return found;
}

/** Lets other tasks run, the message of a cancel among them. */
const otherTasks = (): Promise<void> => new Promise(resolve => setTimeout(resolve));
