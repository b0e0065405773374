import type { Tensor } from '../onnx/tensor';
import { joinRows } from './cache';
import type { ServedHook } from './hook-names';
import type { Chunks } from './session';
import { applySteps } from './tensor-view';

/** A hook in its documented shape, float32, all rows: from the chunks of its tensor. */
export const hookValues = (
  { name, source, positions }: ServedHook,
  { rows, lengths, tensors }: Chunks,
  length: number
): Tensor => {
  const pos = lengths[positions ?? ''] ?? length;
  return joinRows(
    tensors[source.tensor].map((tensor, chunk) => applySteps(tensor, source.steps, { batch: rows[chunk], pos }, name)),
    rows,
    name
  );
};

/** One of the model's own outputs, all rows, as the file has it. */
export const outputValues = (name: string, { rows, tensors }: Chunks): Tensor => joinRows(tensors[name], rows, name);
