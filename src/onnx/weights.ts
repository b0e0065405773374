import { byteLength } from './element-type';

/**
 * The file's large tensors, by initialiser name: views on the bytes as read, shared by every graph made from one model.
 * Small tensors (shapes, scalars; below 1 kB) stay inside the graph, which keeps an initialiser `{ kind: 'weight' }` of the
 * same name, type and dims for each weight: `collectWeights` makes both, `externalise` puts them together for a runtime.
 */
export interface Weights {
  get(name: string): Weight | undefined;
  names(): Iterable<string>;
  /** Sum over all weights. */
  readonly bytes: number;
}

export interface Weight {
  readonly name: string;
  readonly dims: readonly number[];
  /** TensorProto.DataType. */
  readonly dataType: number;
  /** Little-endian, a view: `bytes.buffer` may be a whole file of which this is a part. Read anew where they stay in a file (`FileWeight`). */
  readonly bytes: Uint8Array;
}

/** In bytes, without reading any. */
export const weightLength = ({ dataType, dims }: Pick<Weight, 'dataType' | 'dims'>): number =>
  byteLength(dataType, dims) ?? 0;
