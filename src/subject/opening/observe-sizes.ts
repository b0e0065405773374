import type { Anatomy } from '../../anatomy/anatomy';
import { recognise } from '../../anatomy/recognise';
import { applyEdits } from '../../graph/edit';
import { untyped } from '../../graph/build';
import type { Model } from '../../onnx/model';
import type { Weights } from '../../onnx/weights';
import type { Runtime } from '../../runtime/runtime';
import { buildFeeds, feedables } from '../inputs/feeds';
import { orRefuse } from './or-refuse';

/** Sizes that no model's heads are likely to have, so that a run's axes can be told apart. */
const ROWS = 5;
const LENGTH = 11;

/** The anatomy; where the graph's own constants do not tell all sizes, a run of small ids shows them. */
export const recogniseBySizes = async (model: Model, weights: Weights, runtime: Runtime): Promise<Anatomy> => {
  const anatomy = recognise(model, weights);
  if (anatomy.unresolved.length === 0) {
    return anatomy;
  }
  const graph = applyEdits(
    model.graph,
    anatomy.unresolved.map(name => ({ op: 'add-output', info: untyped(name) }) as const)
  );
  const prepared = await runtime.prepare({ ...model, graph }, weights);
  try {
    const [count, length] = sizesOf(anatomy);
    const rows = Array.from({ length: count }, (_, row) => Array.from({ length }, (_at, at) => (row + at) % 2));
    const feeds = buildFeeds(feedables(anatomy.inputs), rows);
    const results = await orRefuse(() => prepared.run(feeds, anatomy.unresolved), count, length);
    return recognise(model, weights, new Map(Object.entries(results).map(([name, { dims }]) => [name, dims])));
  } finally {
    await prepared.release();
  }
};

/** Rows and positions, those that the file fixes as it fixes them. */
const sizesOf = ({ inputs }: Anatomy): readonly [number, number] => {
  const [rows, positions] = inputs.find(({ role }) => role === 'ids')?.shape ?? [];
  return [typeof rows === 'number' ? rows : ROWS, typeof positions === 'number' ? positions : LENGTH];
};
