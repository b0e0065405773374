import type { Node } from '../../onnx/model';
import { intsAttribute } from '../attributes';
import type { Dim } from './dims';

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly all?: boolean;
}

/** undefined where it cannot be told; `all` where nothing is cut off. */
export const sliceRange = (dim: Dim, start: Dim, end: Dim, step: Dim): Range | undefined => {
  if (step !== 1 && !(typeof step === 'number' && step > 1)) {
    return undefined;
  }
  const whole = start === 0 && step === 1 && (end === dim || (typeof end === 'number' && end > 2 ** 31));
  if (whole && dim !== null) {
    return { start: 0, end: typeof dim === 'number' ? dim : 0, step: 1, all: true };
  }
  if (typeof dim !== 'number' || typeof start !== 'number' || typeof end !== 'number') {
    return undefined;
  }
  const clamp = (x: number): number => Math.min(Math.max(x < 0 ? x + dim : x, 0), dim);
  return { start: clamp(start), end: clamp(end), step };
};

export const inside = (k: number, { start, end, step }: Range): boolean =>
  k >= start && k < end && (k - start) % step === 0;

/** Sizes of a Split's outputs, from its input or attribute, or all alike. */
export const splitSizes = (node: Node, dim: Dim, input: readonly Dim[] | undefined): readonly Dim[] | undefined => {
  const given = input ?? intsAttribute(node, 'split');
  if (given || typeof dim !== 'number') {
    return given;
  }
  const chunk = Math.ceil(dim / node.outputs.length);
  return node.outputs.map((_, i) => Math.min(chunk, dim - i * chunk));
};
