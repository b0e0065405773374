import { toFloat32 } from '../onnx/decode-tensor';
import type { Tensor } from '../onnx/tensor';
import { createCache } from '../subject/cache';
import type { Context } from '../subject/context';
import { hooksOfRun } from '../subject/intervention-plan';
import type { Interventions } from '../subject/interventions';
import type { Cache, Subject } from '../subject/subject';
import type { InterventionFile, RunSource } from './intervention-file';

/** The file's interventions with its runs made: each captures the hooks that it is read at, and nothing else. */
export const runInterventions = async (
  { list, runs, seed }: InterventionFile,
  subject: Subject,
  context: Context
): Promise<Interventions> => {
  const caches: Record<string, Cache> = {};
  const used = Object.entries(runs).filter(([name]) => list.some(({ from }) => from === name));
  for (const [name, source] of used) {
    caches[name] = await captured(source, hooksOfRun(subject.anatomy, list, name), subject, context);
  }
  return { list, runs: caches, seed };
};

const captured = (
  source: RunSource,
  hooks: readonly string[],
  subject: Subject,
  context: Context
): Promise<Cache> | Cache => {
  if (source.cache !== undefined) {
    return createCache(new Map([...source.cache].map(([name, tensor]) => [name, single(tensor)])));
  }
  const ids = source.inputs.map(input => subject.input(input).ids);
  // What may be changed may be read: each intervention's hook has been checked.
  return subject.forward({ ids, hooks, allowUnverified: true }, context);
};

const single = (tensor: Tensor): Tensor => ({ dims: tensor.dims, type: 'float32', data: toFloat32(tensor) });
