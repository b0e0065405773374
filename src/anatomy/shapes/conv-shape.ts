import { intsAttribute, stringAttribute } from '../attributes';
import type { Dim } from './dims';
import { UNKNOWN, type Infer } from './known';

/** Values of auto_pad that add nothing to `pads`. */
export const UNPADDED: ReadonlySet<string> = new Set(['', 'NOTSET', 'VALID']);

/** [batch, filters, …]: each spatial axis ⌊(size + pads − dilation · (kernel − 1) − 1) / stride⌋ + 1, ONNX's Conv. */
export const conv: Infer = (node, [x, weight]) => {
  const axes = (x.shape?.length ?? 0) - 2;
  const kernel = weight.shape?.slice(2);
  const padded = UNPADDED.has(stringAttribute(node, 'auto_pad') ?? '');
  if (!x.shape || kernel?.length !== axes) {
    return [UNKNOWN];
  }
  const [strides, dilations, pads] = ['strides', 'dilations', 'pads'].map(name => intsAttribute(node, name));
  const size = (axis: number): Dim => {
    const [before, window] = [x.shape![axis + 2], kernel[axis]];
    if (typeof before !== 'number' || typeof window !== 'number' || !padded) {
      return null;
    }
    const around = (pads?.[axis] ?? 0) + (pads?.[axis + axes] ?? 0);
    const free = before + around - (dilations?.[axis] ?? 1) * (window - 1) - 1;
    return Math.max(0, Math.floor(free / (strides?.[axis] ?? 1)) + 1);
  };
  return [{ shape: [x.shape[0], weight.shape![0], ...kernel.map((_, axis) => size(axis))] }];
};
