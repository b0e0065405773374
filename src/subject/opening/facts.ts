import { byteLength, elementTypeName } from '../../onnx/element-type';
import type { Model } from '../../onnx/model';
import type { Runtime } from '../../runtime/runtime';
import type { ModelFacts } from '../subject';

export interface FactSources {
  readonly label: string;
  readonly model: Model;
  readonly hash: string;
  readonly tokenizerHash?: string;
  readonly tokenizerFault?: string;
  /** Of the .onnx file and its external data. */
  readonly bytes: number;
  readonly runtime: Runtime;
}

export const modelFacts = ({
  label,
  model,
  hash,
  tokenizerHash,
  tokenizerFault,
  bytes,
  runtime
}: FactSources): ModelFacts => ({
  label,
  hash,
  ...(tokenizerHash !== undefined && { tokenizerHash }),
  ...(tokenizerFault !== undefined && { tokenizerFault }),
  bytes,
  dtypes: initializerBytes(model),
  nodes: model.graph.nodes.length,
  producer: model.producer,
  runtime: runtime.version,
  threads: runtime.threads
});

/** Bytes of the main graph's initialisers by element type, largest first; strings and unknown types are left out. */
const initializerBytes = (model: Model): Readonly<Record<string, number>> => {
  const sums = new Map<string, number>();
  for (const { dataType, dims } of model.graph.initializers) {
    const bytes = byteLength(dataType, dims);
    const name = elementTypeName(dataType);
    if (bytes !== undefined) {
      sums.set(name, (sums.get(name) ?? 0) + bytes);
    }
  }
  return Object.fromEntries([...sums].sort((a, b) => b[1] - a[1]));
};

/** Of all initialisers. */
export const weightBytes = ({ dtypes }: Pick<ModelFacts, 'dtypes'>): number =>
  Object.values(dtypes).reduce((sum, bytes) => sum + bytes, 0);
