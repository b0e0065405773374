import { byteLength } from './element-type';
import { externalBytes } from './external-data';
import { mapInnerTensors } from './map-tensors';
import type { Model, TensorProto } from './model';
import { quoted } from './quoted';
import { tensorBytes } from './tensor-bytes';
import type { Weight, Weights } from './weights';

/** Below this many bytes an initialiser stays in the graph. */
const SMALL = 1024;

/**
 * Splits the main graph's initialisers of 1 kB and more out into a store of views (typed data are packed once). The model
 * returned holds `{ kind: 'weight' }` in their place; all other external data are views inside it, so it needs no file.
 * `externals` holds the files that `externalLocations` names. Throws where data are missing, too short or of a wrong size.
 */
export const collectWeights = (
  model: Model,
  externals: ReadonlyMap<string, Uint8Array>
): { model: Model; weights: Weights } => {
  const store = new Map<string, Weight>();
  const initializers = model.graph.initializers.map(tensor => {
    const whole = embedded(tensor, externals);
    const size = byteLength(whole.dataType, whole.dims);
    if (size === undefined || size < SMALL) {
      return whole;
    }
    if (store.has(whole.name)) {
      throw new Error(`two initialisers of the name ${quoted(whole.name)} in graph ${quoted(model.graph.name)}`);
    }
    const { name, dims, dataType } = whole;
    store.set(name, { name, dims, dataType, bytes: tensorBytes(whole) });
    return { ...whole, data: { kind: 'weight' } } satisfies TensorProto;
  });
  const rest = mapInnerTensors(model, tensor => embedded(tensor, externals));
  return { model: { ...rest, graph: { ...rest.graph, initializers } }, weights: weightStore(store) };
};

/** A store over these weights; the map must not change afterwards. */
export const weightStore = (store: ReadonlyMap<string, Weight>): Weights => {
  let bytes = 0;
  store.forEach(weight => (bytes += weight.bytes.length));
  return { get: name => store.get(name), names: () => store.keys(), bytes };
};

const embedded = (tensor: TensorProto, externals: ReadonlyMap<string, Uint8Array>): TensorProto =>
  tensor.data.kind === 'external'
    ? { ...tensor, data: { kind: 'raw', bytes: externalBytes(tensor, externals) } }
    : tensor;
