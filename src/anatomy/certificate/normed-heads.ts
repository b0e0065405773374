import type { Numbers } from '../../onnx/numbers';
import type { NormPart } from '../anatomy';
import type { CheckContext } from './identity';
import { affine, standardise } from './layer-maths';

/** The norm of queries or keys, by the head or by all heads at once, as its weight is long; `row` is the width of all heads, `width` of one. */
export const normedHeads = (
  { read }: Pick<CheckContext, 'read'>,
  x: Numbers,
  norm: NormPart | undefined,
  row: number,
  width: number
): Numbers | string => {
  if (!norm) {
    return x;
  }
  const length = norm.weight === undefined ? width : read(norm.weight)?.data.length;
  return length !== width && length !== row
    ? 'the norm of queries and keys has a weight of another width'
    : affine(standardise(x, norm, length), norm, read, length);
};
