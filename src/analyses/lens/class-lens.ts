import type { Tensor } from '../../onnx/tensor';
import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { floats } from '../floats';
import { quiet } from '../quiet';
import { refusesLogits } from '../refuses-logits';
import { lensReading, outputOf, type LensReading } from './lens-rows';
import { checkOutput, lensRequest, lensRows, split, type LensRun } from './lens-run';

/** A classifier behind the last block, where the lens reads classes. */
export interface Classifier {
  readonly labels: readonly string[];
  /** One row for the whole text; else one for each token. */
  readonly pooled: boolean;
}

/** The classifier of a tower without unembedding, why its outputs are no classes, or undefined where it has none. */
export function classifierOf(subject: Subject): Classifier | { readonly why: string } | undefined {
  const { tower, anatomy, classes } = subject;
  const { outputLayer } = tower;
  if (refusesLogits(subject) === undefined || !outputLayer || tower.content || anatomy.towers.length > 1) {
    return undefined;
  }
  const size = anatomy.hooks.find(({ name }) => name === 'head.hook_out')?.shape.at(-1);
  const why = (reason: string): { readonly why: string } => ({
    why: `model without unembedding, and its last layer is not known to choose a class: ${reason}`
  });
  return 'why' in classes
    ? why(classes.why)
    : classes.labels.length !== size
      ? why(
          `its output '${outputLayer.output}' has ${size} numbers, its config.json names ${classes.labels.length} classes`
        )
      : { labels: classes.labels, pooled: outputLayer.pooled };
}

/** As `readLens`, by the file's own layers behind the last block: the stream of each row in the place of the last one's, at all positions at once. */
export async function readClasses(
  subject: Subject,
  { pooled }: Classifier,
  ids: readonly number[],
  positions: readonly number[],
  k: number,
  by: 'layer' | 'sublayer',
  context: Context
): Promise<LensRun> {
  const hooks = lensRows(subject, by).map(({ hook }) => hook);
  const request = lensRequest(subject, ids, by);
  const [name] = request.outputs!;
  const cache = await subject.forward(request, quiet(context));
  const rowsOf = (values: Float32Array): Float32Array[] =>
    pooled ? [values] : split(values, ids.length).filter((_, at) => positions.includes(at));
  const output = rowsOf(floats(cache.get(name), name));
  const outputs = output.map(outputOf);
  const readings: LensReading[][] = [];
  let last: readonly Float32Array[] = [];
  for (const [row, hook] of hooks.entries()) {
    context.signal.throwIfAborted();
    context.progress({ done: row, total: hooks.length, label: `classifier ${row + 1} of ${hooks.length}` });
    const values = floats(cache.get(hook), hook);
    const residual: Tensor = { dims: [1, ids.length, values.length / ids.length], type: 'float32', data: values };
    last = rowsOf(floats(await subject.classify(residual, quiet(context)), 'classifier'));
    readings.push((row === hooks.length - 1 ? output : last).map((one, at) => lensReading(one, outputs[at], k)));
  }
  context.progress({ done: hooks.length, total: hooks.length, label: 'done' });
  return { readings, outputError: checkOutput(last, output) };
}
