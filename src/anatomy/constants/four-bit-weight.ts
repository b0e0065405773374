import type { Node } from '../../onnx/model';
import { intAttribute } from '../attributes';
import { constantValues, type ConstantSources, type ConstantValues } from './constant-values';
import { storedBytes } from './stored-bytes';

/** com.microsoft's MatMulBnb4: x · Wᵀ with W [N, K] in bitsandbytes' four bits. */
export const isFourBitLayer = (node: Node): boolean =>
  node.opType === 'MatMulBnb4' && (intAttribute(node, 'transB') ?? 1) === 1;

/** A sign, two bits of exponent and one of mantissa, over the largest of them. */
const POSITIVE = [0, 0.005208333333, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25];
const FP4 = [...POSITIVE, ...POSITIVE.map(value => -value)];

/** Quantiles of the normal distribution (Dettmers et al. 2023, QLoRA, appendix E). */
const NF4 = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1
];

/** What the sixteen codes stand for, by `quant_type`. */
const CODES: readonly (readonly number[])[] = [FP4, NF4];

type Rows = readonly [number, number];

/** [N, K], or rows of it: two codes a byte, the first in the high half, times the scale of their block; blocks run on across rows. */
export const fourBitWeight = (node: Node, sources: ConstantSources, some?: Rows): ConstantValues | undefined => {
  const [, packed, scales] = node.inputs;
  const [columns, rows, size, type] = ['K', 'N', 'block_size', 'quant_type'].map(name => intAttribute(node, name) ?? 0);
  const codes = CODES[type];
  const [bytes, factors] = [storedBytes(sources, packed), constantValues(sources, scales)?.data];
  const count = rows * columns;
  const fits = size > 0 && bytes?.length === Math.ceil(count / 2) && factors?.length === Math.ceil(count / size);
  if (!codes || !fits || count > 2 ** 28) {
    return undefined;
  }
  const [from, to] = some ?? [0, rows];
  const data = new Float32Array((to - from) * columns);
  for (let i = 0, at = from * columns; i < data.length; i++, at++) {
    const byte = bytes[at >> 1];
    data[i] = codes[at % 2 ? byte & 15 : byte >> 4] * factors[Math.floor(at / size)];
  }
  return { dims: [to - from, columns], data };
};
