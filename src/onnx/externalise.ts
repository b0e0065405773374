import { FileWeight } from './file-weight';
import type { Model, TensorProto } from './model';
import { quoted } from './quoted';
import { weightLength, type Weight, type Weights } from './weights';

/** A buffer under the name by which the model's external entries know it: ONNX Runtime's `externalData`. */
export interface ExternalBuffer {
  readonly path: string;
  readonly data: Uint8Array;
}

/**
 * What a tensor's message holds besides says nothing to a runtime, and it may say that its data are not external: Python's
 * onnx writes that explicitly when a file with external data was loaded and saved in one piece.
 */
const NOTHING = new Uint8Array();

export interface Externalised {
  readonly model: Model;
  readonly files: readonly ExternalBuffer[];
  /** Where the files lie that the model names, if it names files. */
  readonly folder?: string;
}

/**
 * The model with each `{ kind: 'weight' }` referred to as external data at its place in the buffer that holds it, and those
 * buffers, named 'f0', 'f1', …: nothing is copied, weights that are views on one file share one entry.
 * Throws for a weight that is not in the store, or whose type or dims differ from the graph's.
 */
export const externalise = (model: Model, weights: Weights): Externalised => {
  const paths = new Map<ArrayBufferLike, string>();
  const placed = withWeights(model, weights, ({ bytes: { buffer, byteOffset, byteLength } }) => {
    const path = paths.get(buffer) ?? `f${paths.size}`;
    paths.set(buffer, path);
    return external(path, byteOffset, byteLength);
  });
  return { model: placed, files: Array.from(paths, ([buffer, path]) => ({ path, data: new Uint8Array(buffer) })) };
};

/** Weights that stay in no file go into the graph's message then, which is copied: up to this many bytes. */
const MOST_EMBEDDED = 2 ** 26;

/**
 * As `externalise`, for a runtime that maps files: weights that stay in files of one folder are referred to there, and the few others are put
 * into the graph, since a runtime takes either files or buffers. Throws besides where a file changed.
 */
export const referToFiles = (model: Model, weights: Weights): Externalised => {
  const used = model.graph.initializers.flatMap(tensor =>
    tensor.data.kind === 'weight' ? [matching(tensor, weights)] : []
  );
  const folder = used.find(canStay)?.file.folder;
  const stays = (weight: Weight): weight is FileWeight => canStay(weight) && weight.file.folder === folder;
  const others = used.filter(weight => !stays(weight));
  if (folder === undefined || others.reduce((sum, weight) => sum + weightLength(weight), 0) > MOST_EMBEDDED) {
    return externalise(model, weights);
  }
  new Set(used.filter(stays).map(({ file }) => file)).forEach(file => file.check());
  const placed = withWeights(model, weights, weight =>
    stays(weight) ? external(weight.file.name, weight.offset, weight.length) : { kind: 'raw', bytes: weight.bytes }
  );
  return { model: placed, files: [], folder };
};

/** At any byte: what lies inside an .onnx file is not aligned, and the processors that ONNX Runtime's native library is made for read elements anywhere. */
const canStay = (weight: Weight): weight is FileWeight => weight instanceof FileWeight;

const external = (location: string, offset: number, length: number): TensorProto['data'] => ({
  kind: 'external',
  entries: Object.entries({ location, offset: String(offset), length: String(length) }).map(([key, value]) => ({
    key,
    value
  }))
});

const withWeights = (model: Model, weights: Weights, place: (weight: Weight) => TensorProto['data']): Model => {
  const initializers = model.graph.initializers.map(tensor =>
    tensor.data.kind === 'weight' ? { ...tensor, data: place(matching(tensor, weights)), unknown: NOTHING } : tensor
  );
  return { ...model, graph: { ...model.graph, initializers } };
};

const matching = (tensor: TensorProto, weights: Weights) => {
  const weight = weights.get(tensor.name);
  if (weight === undefined) {
    throw new Error(`weight missing: initialiser ${quoted(tensor.name)} is not in the weight store`);
  }
  if (weight.dataType !== tensor.dataType || weight.dims.join() !== tensor.dims.join()) {
    throw new Error(
      `weight differs: initialiser ${quoted(tensor.name)} is type ${tensor.dataType} [${tensor.dims.join(', ')}] in the graph and type ${weight.dataType} [${weight.dims.join(', ')}] in the store`
    );
  }
  return weight;
};
