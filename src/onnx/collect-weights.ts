import { byteLength } from './element-type';
import type { DataFile } from './data-file';
import { externalBytes, externalPlace, type ExternalFiles } from './external-data';
import { FileWeight } from './file-weight';
import { mapInnerTensors } from './map-tensors';
import type { Model, TensorProto } from './model';
import { placeOf, samePlace } from './place';
import { quoted } from './quoted';
import { tensorBytes } from './tensor-bytes';
import { weightLength, type Weight, type Weights } from './weights';

/** Below this many bytes an initialiser stays in the graph. */
const SMALL = 1024;

/**
 * Splits the main graph's initialisers of 1 kB and more out into a store of views (typed data are packed once). The model
 * returned holds `{ kind: 'weight' }` in their place; all other external data are views inside it, so it needs no file.
 * `externals` holds the files that `externalLocations` names; weights of a file that is left where it lies stay there too, and those inside
 * the .onnx file in `own`, if it is given: `model` was read from an array of its bytes then. Throws where data are missing, too short or of a wrong size.
 */
export const collectWeights = (
  model: Model,
  externals: ExternalFiles,
  own?: DataFile
): { model: Model; weights: Weights } => {
  const store = new Map<string, Weight>();
  const initializers = model.graph.initializers.map(tensor => {
    const size = byteLength(tensor.dataType, tensor.dims);
    if (size === undefined || size < SMALL) {
      return embedded(tensor, externals);
    }
    if (store.has(tensor.name)) {
      throw new Error(
        `two initialisers of the name ${quoted(tensor.name)} in graph ${quoted(model.graph.name)}, the second${placeOf(tensor)}`
      );
    }
    store.set(tensor.name, weightOf(tensor, externals, own));
    return samePlace<TensorProto>({ ...tensor, data: { kind: 'weight' } }, tensor);
  });
  const rest = mapInnerTensors(model, tensor => embedded(tensor, externals));
  return { model: { ...rest, graph: { ...rest.graph, initializers } }, weights: weightStore(store) };
};

/** A store over these weights; the map must not change afterwards. */
export const weightStore = (store: ReadonlyMap<string, Weight>): Weights => {
  let bytes = 0;
  store.forEach(weight => (bytes += weightLength(weight)));
  return { get: name => store.get(name), names: () => store.keys(), bytes };
};

const weightOf = (tensor: TensorProto, externals: ExternalFiles, own: DataFile | undefined): Weight => {
  const { name, dims, dataType, data } = tensor;
  if (own && data.kind === 'raw') {
    return new FileWeight(tensor, own, data.bytes.byteOffset, data.bytes.length);
  }
  if (data.kind === 'external') {
    const { file, offset, length } = externalPlace(tensor, externals);
    if ('size' in file) {
      return new FileWeight(tensor, file, offset, length);
    }
  }
  return { name, dims, dataType, bytes: tensorBytes(embedded(tensor, externals)) };
};

const embedded = (tensor: TensorProto, externals: ExternalFiles): TensorProto =>
  tensor.data.kind === 'external'
    ? samePlace({ ...tensor, data: { kind: 'raw', bytes: externalBytes(tensor, externals) } }, tensor)
    : tensor;
