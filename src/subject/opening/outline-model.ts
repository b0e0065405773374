import type { Anatomy } from '../../anatomy/anatomy';
import { recognise } from '../../anatomy/recognise';
import { chooseBranch } from '../../graph/decompose/choose-branch';
import { decompose } from '../../graph/decompose/decompose';
import { collectWeights } from '../../onnx/collect-weights';
import { externalLocations } from '../../onnx/external-data';
import { readModel } from '../../onnx/read-model';
import { readOutline } from '../../onnx/read-outline';
import type { ModelFiles } from './files';
import { folderOf, pickModel } from './pick-model';

/** What the graph alone says, before the weights are read: nothing is proven yet. */
export interface ModelOutline {
  readonly file: string;
  /** Of the .onnx file and its external data. */
  readonly bytes: number;
  readonly anatomy: Anatomy;
}

/** A smaller model is read whole in no time. */
const LEAST_BYTES = 2 ** 22;

/**
 * The anatomy from the graph, read in ranges: long tensors are zeros, those outside the file are not read at all. Undefined for a small
 * model, for an encoder and a decoder in two files, where files cannot be read in ranges, and where the graph does not tell enough: the whole file does then.
 */
export async function outlineModel(files: ModelFiles, signal: AbortSignal): Promise<ModelOutline | undefined> {
  const { readRange } = files;
  const entries = await files.list();
  const sizes = new Map(entries.map(({ name, size }) => [name, size]));
  const { file, encoder } = pickModel(entries, files.label, files.model);
  const size = sizes.get(file);
  if (!readRange || size === undefined || encoder !== undefined) {
    return undefined;
  }
  try {
    const read = (start: number, end: number): Promise<Uint8Array> => readRange(file, start, end, signal);
    const model = readModel(await readOutline(size, read, 'long'), file);
    const outside = externalLocations(model).map(location => [location, sizes.get(folderOf(file) + location)] as const);
    const bytes = outside.reduce((sum, [, length = 0]) => sum + length, size);
    if (bytes < LEAST_BYTES) {
      return undefined;
    }
    const externals = new Map(outside.map(([location, length = 0]) => [location, new Uint8Array(length)]));
    const { model: graph, weights } = collectWeights(model, externals);
    const anatomy = recognise(decompose(chooseBranch(graph).model, weights).model, weights);
    return anatomy.towers.length > 0 ? { file, bytes, anatomy: unproven(anatomy) } : undefined;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** A hook is not verified before the file has run. */
const unproven = (anatomy: Anatomy): Anatomy => ({
  ...anatomy,
  hooks: anatomy.hooks.map(hook =>
    hook.status === 'unavailable' ? hook : { ...hook, status: 'unverified', why: 'the weights are being read' }
  )
});
