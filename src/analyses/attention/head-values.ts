import type { ResultTensor } from '../result';
import { decodeTensor } from '../tensor-codec';

/** One number for each head. */
export interface HeadValue {
  readonly layer: number;
  readonly head: number;
  readonly value: number;
}

/** [measure, layer, head] → measure → layer → head, as plain rows. */
export function matrices(values: ResultTensor): number[][][] {
  const [measures, layers, heads] = values.shape;
  const flat = decodeTensor(values);
  return Array.from({ length: measures }, (_, m) =>
    Array.from({ length: layers }, (_, l) =>
      Array.from(flat.subarray((m * layers + l) * heads, (m * layers + l + 1) * heads))
    )
  );
}

/** Means over the heads [measure][layer] of values [measure, layer, head]. */
export function headMeans(values: Float32Array, [measures, layers, heads]: readonly number[]): number[][] {
  const mean = (from: number): number =>
    values.subarray(from, from + heads).reduce((sum, value) => sum + value / heads, 0);
  return Array.from({ length: measures }, (_, m) =>
    Array.from({ length: layers }, (__, layer) => mean((m * layers + layer) * heads))
  );
}

/** Largest first; of equal ones the lower layer and head first. */
export function ranked(matrix: readonly (readonly number[])[]): HeadValue[] {
  const all = matrix.flatMap((row, layer) => row.map((value, head): HeadValue => ({ layer, head, value })));
  return all.sort((a, b) => b.value - a.value);
}

export const headName = (layer: number, head: number): string => `L${layer}H${head}`;

export const indexLabels = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));
