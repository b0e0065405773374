import type { Attribute, Graph, TensorProto } from '../onnx/model';

const unknown = new Uint8Array(0);
const utf8 = new TextEncoder();

/** Makers of attributes; the numbers are AttributeProto.AttributeType. */
export const float = (name: string, f: number): Attribute => ({ name, type: 1, f, unknown });
export const int = (name: string, i: number): Attribute => ({ name, type: 2, i, unknown });
export const text = (name: string, s: string): Attribute => ({ name, type: 3, s: utf8.encode(s), unknown });
export const tensorValue = (name: string, t: TensorProto): Attribute => ({ name, type: 4, t, unknown });
export const body = (name: string, g: Graph): Attribute => ({ name, type: 5, g, unknown });
export const floats = (name: string, values: readonly number[]): Attribute => ({
  name,
  type: 6,
  floats: values,
  unknown
});
export const ints = (name: string, values: readonly number[]): Attribute => ({ name, type: 7, ints: values, unknown });
