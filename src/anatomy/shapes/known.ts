import type { Node } from '../../onnx/model';
import { intAttribute, intsAttribute } from '../attributes';
import { broadcast, product, type Dim } from './dims';

/** What is known of a tensor without running: its shape, and its elements where they are few (sizes, axes, scales). */
export interface Known {
  readonly shape?: readonly Dim[];
  /** Row-major; only of tensors with rank 0 or 1. */
  readonly values?: readonly Dim[];
  /** The elements are whole numbers by their type: a division cuts off. */
  readonly whole?: boolean;
}

export type Infer = (node: Node, inputs: readonly Known[]) => readonly Known[];

export const UNKNOWN: Known = {};

export const MOST_VALUES = 64;

const INT32 = 6;

export const INT64 = 7;

export const isWhole = (node: Node, [first]: readonly Known[]): boolean => {
  if (node.opType === 'Cast') {
    return [INT32, INT64].includes(intAttribute(node, 'to') ?? 0);
  }
  return ['Shape', 'Size'].includes(node.opType) || first?.whole === true;
};

export const elementwise =
  (of?: (...values: number[]) => number): Infer =>
  (_, inputs) => [{ shape: joint(inputs), values: of && zip(inputs, of) }];

const joint = (inputs: readonly Known[]): readonly Dim[] | undefined => {
  const shapes = inputs.map(input => input.shape);
  return shapes.every(shape => shape !== undefined) ? broadcast(shapes) : undefined;
};

/** Element by element where all is known; a size times one, or plus nothing, stays itself. */
const zip = (inputs: readonly Known[], of: (...values: number[]) => number): readonly Dim[] | undefined => {
  if (!inputs.every(input => input.values !== undefined)) {
    return undefined;
  }
  const length = Math.max(...inputs.map(input => input.values!.length));
  return Array.from({ length }, (_, i) => {
    const row = inputs.map(({ values }) => values![values!.length === 1 ? 0 : i]);
    return row.every(value => typeof value === 'number') ? of(...(row as number[])) : null;
  });
};

export const times = (a: Dim, b: Dim): Dim => {
  const whole = (x: Dim): boolean => typeof x !== 'number' || Number.isInteger(x);
  return typeof a === 'number' && typeof b === 'number' ? a * b : whole(a) && whole(b) ? product([a, b]) : null;
};

export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Axes are an attribute in old opsets, an input in new ones. */
export const axesOf = (node: Node, input: Known | undefined): number[] | undefined => {
  const attribute = intsAttribute(node, 'axes');
  const values = attribute ?? input?.values;
  return values?.every(value => typeof value === 'number') ? (values as number[]) : undefined;
};

/** Sizes unknown, but as many as the vector that gives them is long. */
export const ranked = (vector: Known | undefined): readonly Dim[] | undefined => {
  const length = vector?.shape?.length === 1 ? vector.shape[0] : null;
  return typeof length === 'number' && length <= MOST_VALUES ? Array<Dim>(length).fill(null) : undefined;
};
