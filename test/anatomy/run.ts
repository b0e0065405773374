import type { Anatomy } from '../../src/anatomy/anatomy';
import type { Model } from '../../src/onnx/model';
import type { Tensor } from '../../src/onnx/tensor';
import type { Weights } from '../../src/onnx/weights';
import { createNodeRuntime } from '../../src/runtime/node';
import { buildFeeds, feedables } from '../../src/subject/feeds';
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

/** Feeds for the anatomy's inputs. */
export const feedsFor = (anatomy: Anatomy, ids: readonly (readonly number[])[]): Record<string, Tensor> =>
  buildFeeds(feedables(anatomy.inputs), ids);

/** All served hooks of one run, in their documented shapes, and the model's own outputs. */
export const runHooks = async (
  model: Model,
  weights: Weights,
  anatomy: Anatomy,
  ids: readonly (readonly number[])[]
): Promise<Map<string, Tensor>> => {
  const names = anatomy.hooks.filter(hook => hook.source).map(hook => hook.name);
  const seen = observe(model, anatomy, names);
  const own = model.graph.outputs.map(output => output.name);
  const results = await runOnce(seen.model, weights, feedsFor(anatomy, ids), [
    ...new Set([...own, ...seen.outputs.map(output => output.tensor)])
  ]);
  const sizes = { batch: ids.length, pos: ids[0].length };
  return new Map([
    ...own.map(name => [name, results[name]] as const),
    ...seen.outputs.map(
      ({ hook, tensor, source }) => [hook, applySteps(results[tensor], source.steps, sizes, hook)] as const
    )
  ]);
};
