import type { Anatomy } from '../../src/anatomy/anatomy';
import type { Model } from '../../src/onnx/model';
import type { Tensor } from '../../src/onnx/tensor';
import type { Weights } from '../../src/onnx/weights';
import { createNodeRuntime } from '../../src/runtime/node';
import { buildFeeds, feedables, readingInputs } from '../../src/subject/inputs/feeds';
import { applySteps } from '../../src/subject/tensor-view';
import { observe } from '../../src/surgery/observe';

const runtime = createNodeRuntime();

/** Runs a graph once. */
export const runOnce = async (
  model: Model,
  weights: Weights,
  feeds: Record<string, Tensor>,
  fetches?: readonly string[]
): Promise<Record<string, Tensor>> => {
  const prepared = await runtime.prepare(model, weights);
  const results = await prepared.run(feeds, fetches ?? prepared.outputs);
  await prepared.release();
  return results;
};

/** Of the sequences that the rows are not, by their inputs. */
type Others = Readonly<Record<string, readonly (readonly number[])[]>>;

/** Feeds for the anatomy's inputs. */
export const feedsFor = (
  anatomy: Anatomy,
  ids: readonly (readonly number[])[],
  others: Others = {}
): Record<string, Tensor> =>
  buildFeeds(readingInputs(feedables(anatomy.inputs), anatomy.towers[0]?.embedding?.ids, others), ids);

/** All served hooks of one run, in their documented shapes, and the model's own outputs. */
export const runHooks = async (
  model: Model,
  weights: Weights,
  anatomy: Anatomy,
  ids: readonly (readonly number[])[],
  others: Others = {}
): Promise<Map<string, Tensor>> => {
  const names = anatomy.hooks.filter(hook => hook.source).map(hook => hook.name);
  const seen = observe(model, anatomy, names);
  const own = model.graph.outputs.map(output => output.name);
  const results = await runOnce(seen.model, weights, feedsFor(anatomy, ids, others), [
    ...new Set([...own, ...seen.outputs.map(output => output.tensor)])
  ]);
  const positions = new Map(anatomy.hooks.map(hook => [hook.name, hook.positions ?? '']));
  const sizesOf = (hook: string) => ({
    batch: ids.length,
    pos: (others[positions.get(hook) ?? ''] ?? ids)[0].length
  });
  return new Map([
    ...own.map(name => [name, results[name]] as const),
    ...seen.outputs.map(
      ({ hook, tensor, source }) => [hook, applySteps(results[tensor], source.steps, sizesOf(hook), hook)] as const
    )
  ]);
};
