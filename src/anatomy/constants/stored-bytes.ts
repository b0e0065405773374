import { tensorBytes } from '../../onnx/tensor-bytes';
import type { ConstantSources } from './constant-values';

/** Of an initialiser, perhaps reshaped (a table that embedding and unembedding share). */
export const storedBytes = ({ tensors, weights, producer }: ConstantSources, name: string): Uint8Array | undefined => {
  const maker = tensors.has(name) ? undefined : producer(name);
  if (maker?.opType === 'Reshape' || maker?.opType === 'Identity') {
    return storedBytes({ tensors, weights, producer: () => undefined }, maker.inputs[0]);
  }
  const tensor = tensors.get(name);
  return tensor?.data.kind === 'weight' ? weights.get(name)?.bytes : tensor && tensorBytes(tensor);
};
