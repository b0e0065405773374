import type { Model, TensorProto } from './model';
import { quoted } from './quoted';
import type { Weights } from './weights';

/** A buffer under the name by which the model's external entries know it: ONNX Runtime's `externalData`. */
export interface ExternalFile {
  readonly path: string;
  readonly data: Uint8Array;
}

/**
 * What a tensor's message holds besides says nothing to a runtime, and it may say that its data are not external: Python's
 * onnx writes that explicitly when a file with external data was loaded and saved in one piece.
 */
const NOTHING = new Uint8Array();

/**
 * The model with each `{ kind: 'weight' }` referred to as external data at its place in the buffer that holds it, and those
 * buffers, named 'f0', 'f1', …: nothing is copied, weights that are views on one file share one entry.
 * Throws for a weight that is not in the store, or whose type or dims differ from the graph's.
 */
export const externalise = (model: Model, weights: Weights): { model: Model; files: ExternalFile[] } => {
  const paths = new Map<ArrayBufferLike, string>();
  const initializers = model.graph.initializers.map(tensor => {
    if (tensor.data.kind !== 'weight') {
      return tensor;
    }
    const { bytes } = matching(tensor, weights);
    const path = paths.get(bytes.buffer) ?? `f${paths.size}`;
    paths.set(bytes.buffer, path);
    const entries = [
      { key: 'location', value: path },
      { key: 'offset', value: String(bytes.byteOffset) },
      { key: 'length', value: String(bytes.byteLength) }
    ];
    return { ...tensor, data: { kind: 'external', entries }, unknown: NOTHING } satisfies TensorProto;
  });
  const files = Array.from(paths, ([buffer, path]) => ({ path, data: new Uint8Array(buffer) }));
  return { model: { ...model, graph: { ...model.graph, initializers } }, files };
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
