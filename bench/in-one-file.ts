import { externalBytes } from '../src/onnx/external-data';
import { joinBytes } from '../src/onnx/join-bytes';
import type { TensorProto } from '../src/onnx/model';
import { readModel } from '../src/onnx/read-model';
import { writeModel } from '../src/onnx/write-model';
import { WEIGHTS_FILE } from './weight-store';

/** The weights inside the .onnx file. */
export const inOneFile = ({
  model,
  weights
}: {
  readonly model: Uint8Array;
  readonly weights: Uint8Array;
}): Uint8Array => {
  const files = new Map([[WEIGHTS_FILE, weights]]);
  const inside = (tensor: TensorProto): TensorProto =>
    tensor.data.kind === 'external'
      ? { ...tensor, data: { kind: 'raw', bytes: externalBytes(tensor, files) } }
      : tensor;
  const read = readModel(model, 'model.onnx');
  return joinBytes(
    writeModel({ ...read, graph: { ...read.graph, initializers: read.graph.initializers.map(inside) } })
  );
};
