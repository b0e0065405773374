import type { Attribute, Graph, Model, Node, TensorProto, ValueInfo } from '../../src/onnx/model';

const NONE = new Uint8Array(0);

export const node = (
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Attribute[] = [],
  domain = ''
): Node => ({
  name: `${opType}_${outputs[0]}`,
  opType,
  domain,
  inputs,
  outputs,
  attributes,
  metadata: [],
  unknown: NONE
});

export const intAttribute = (name: string, i: number): Attribute => ({ name, type: 2, i, unknown: NONE });

export const value = (name: string, elementType: number, shape: readonly (number | string)[]): ValueInfo => ({
  name,
  type: { elementType, shape },
  unknown: NONE
});

export const weight = (name: string, dims: readonly number[]): TensorProto => ({
  name,
  dims,
  dataType: 1,
  data: { kind: 'weight' },
  unknown: NONE
});

export const model = (
  parts: Pick<Graph, 'nodes' | 'inputs' | 'outputs'> & Partial<Pick<Graph, 'initializers' | 'name'>>
): Model => ({
  irVersion: 9,
  opsets: [{ domain: '', version: 18 }],
  producer: 'test',
  graph: { name: 'contract', initializers: [], valueInfos: [], metadata: [], unknown: NONE, ...parts },
  functions: [],
  metadata: [],
  unknown: NONE
});
