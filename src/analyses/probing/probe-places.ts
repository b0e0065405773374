import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { eachPlace } from '../geometry/each-place';
import { readSample, type TokenSample } from '../geometry/token-sample';
import { bootstrapInterval, onlineCode, probe, type ProbeTask } from './probe-fit';

/** What is fitted at each place. */
export interface Tasks {
  readonly task: ProbeTask;
  readonly control: ProbeTask;
  readonly c: number;
  readonly code: boolean;
  readonly groups: readonly number[];
  readonly seed: number;
}

/** What one place gives. */
export interface Place {
  readonly numbers: readonly number[];
  readonly converged: boolean;
}

/** Accuracy, its interval, the control's accuracy, selectivity, codelength in bits and compression, at each place of the stream. */
export async function probePlaces(
  subject: Subject,
  sample: TokenSample,
  { task, control, c, code, groups, seed }: Tasks,
  order: readonly number[],
  context: Context
): Promise<Place[]> {
  const between = async (): Promise<void> => {
    await new Promise(resolve => setTimeout(resolve));
    context.signal.throwIfAborted();
  };
  const places = await readSample(subject, sample, context);
  return eachPlace(places, sample.texts.length, context, async read => {
    const points = {
      ...read,
      data: Float64Array.from(
        order.flatMap(at => Array.from(read.data.subarray(at * read.columns, (at + 1) * read.columns)))
      )
    };
    const own = await probe(points, task, c);
    await between();
    const other = await probe(points, control, c);
    const bits = code ? await onlineCode(points, task, c, between) : NaN;
    const [low, high] = bootstrapInterval(
      own.right,
      task.test.map(at => groups[at]),
      seed
    );
    const uniform = task.labels.length * Math.log2(task.classes);
    return {
      numbers: [own.accuracy, low, high, other.accuracy, own.accuracy - other.accuracy, bits, uniform / bits],
      converged: own.converged
    };
  });
}
