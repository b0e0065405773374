import type { Anatomy } from '../anatomy/anatomy';
import { recognise } from '../anatomy/recognise';
import { applyEdits } from '../graph/edit';
import { untyped } from '../graph/build';
import type { Model } from '../onnx/model';
import type { Weights } from '../onnx/weights';
import type { Runtime } from '../runtime/runtime';
import { buildFeeds, feedables } from './feeds';

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
    const rows = Array.from({ length: ROWS }, (_, row) => Array.from({ length: LENGTH }, (_, at) => (row + at) % 2));
    const results = await prepared.run(buildFeeds(feedables(anatomy.inputs), rows), anatomy.unresolved);
    return recognise(model, weights, new Map(Object.entries(results).map(([name, { dims }]) => [name, dims])));
  } finally {
    await prepared.release();
  }
};
