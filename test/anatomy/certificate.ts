import type { Anatomy } from '../../src/anatomy/anatomy';
import type { Certificate } from '../../src/anatomy/certificate/certificate';
import type { Captured } from '../../src/anatomy/certificate/captured';
import { certify } from '../../src/anatomy/certificate/certify';
import { applyCertificate } from '../../src/anatomy/certificate/judge-hooks';
import { comparedOutputs, probe } from '../../src/anatomy/certificate/probe';
import type { Model } from '../../src/onnx/model';
import type { Tensor } from '../../src/onnx/tensor';
import type { Weights } from '../../src/onnx/weights';
import { contentFeeds, feedables } from '../../src/subject/inputs/feeds';
import { cutHead } from '../../src/surgery/cut-head';
import { feedsFor, runHooks, runOnce } from './run';

/** The runs that a quick certificate asks for. */
export const capture = async (model: Model, weights: Weights, anatomy: Anatomy): Promise<Captured> => {
  const { ids, others } = probe(anatomy);
  const outputs = comparedOutputs(model);
  const feeds = feedsFor(anatomy, ids, others);
  const bare = outputs.length ? await runOnce(model, weights, feeds, outputs) : {};
  const cache = await runHooks(model, weights, anatomy, ids, others);
  const own = new Set(model.graph.outputs.map(output => output.name));
  return {
    fed: contentFeeds(feedables(anatomy.inputs), ids),
    hooks: new Map([...cache].filter(([name]) => !own.has(name) || anatomy.hooks.some(hook => hook.name === name))),
    bare: new Map(Object.entries(bare)),
    observed: new Map(outputs.map(name => [name, cache.get(name)!])),
    suffix: new Map(await suffixLogits(model, weights, anatomy, feeds, cache))
  };
};

const suffixLogits = (
  model: Model,
  weights: Weights,
  anatomy: Anatomy,
  feeds: Record<string, Tensor>,
  cache: ReadonlyMap<string, Tensor>
): Promise<readonly (readonly [string, Tensor])[]> =>
  Promise.all(
    anatomy.towers.flatMap(tower => {
      if (!tower.head) {
        return [];
      }
      const prefix = anatomy.towers.length > 1 ? `${tower.name}.` : '';
      const cut = cutHead(model, anatomy, tower);
      const own = Object.fromEntries(cut.inputs.map(name => [name, feeds[name]]));
      const run = runOnce(cut.model, weights, { ...own, [cut.residual]: cache.get(prefix + tower.head.hook)! });
      return [run.then(results => [cut.logits, results[cut.logits]] as const)];
    })
  );

/** The certificate of what was captured, and the anatomy that it leaves. */
export const judged = (
  model: Model,
  weights: Weights,
  anatomy: Anatomy,
  captured: Captured
): { certificate: Certificate; anatomy: Anatomy } => {
  const { ids, others } = probe(anatomy);
  const certificate = certify({ anatomy, model, weights, captured, probe: ids, others, forwards: 3 });
  return { certificate, anatomy: applyCertificate(anatomy, certificate) };
};

export const certified = async (
  model: Model,
  weights: Weights,
  anatomy: Anatomy
): Promise<{ certificate: Certificate; anatomy: Anatomy }> =>
  judged(model, weights, anatomy, await capture(model, weights, anatomy));
