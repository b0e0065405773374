import { toFloat32 } from '../onnx/decode-tensor';
import type { Tensor } from '../onnx/tensor';
import { createCache } from '../subject/cache';
import type { Context } from '../subject/context';
import { captureRuns, type DataRuns } from '../subject/interventions/data-runs';
import type { Interventions } from '../subject/interventions/interventions';
import type { Cache, Subject } from '../subject/subject';
import type { InterventionFile } from './intervention-file';

/** The file's interventions with its runs made, for `rows` rows to come: each run captures what is read of it, and nothing else. */
export const runInterventions = async (
  { list, runs, seed }: InterventionFile,
  subject: Subject,
  rows: number,
  context: Context
): Promise<Interventions> => {
  const data: Record<string, DataRuns[string]> = {};
  const caches: Record<string, Cache> = {};
  for (const [name, source] of Object.entries(runs)) {
    if (source.cache !== undefined) {
      caches[name] = createCache(new Map([...source.cache].map(([hook, tensor]) => [hook, single(tensor)])));
    } else if (list.some(({ from }) => from === name)) {
      data[name] = source.inputs.map(input => subject.input(input).ids);
    }
  }
  const captured = await captureRuns(subject, list, data, { rows, seed }, context);
  return { list: captured.list, runs: { ...caches, ...captured.runs }, seed };
};

const single = (tensor: Tensor): Tensor => ({ dims: tensor.dims, type: 'float32', data: toFloat32(tensor) });
