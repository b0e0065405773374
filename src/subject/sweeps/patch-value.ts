import type { Tensor } from '../../onnx/tensor';
import type { ServedHook } from '../hook-names';
import type { Patch } from '../sweep';
import { takeAxis } from '../tensor-axes';

const POSITIONS = ['pos', 'query_pos'];

/** The part of a hook's tensor, [batch, …], that a patch takes from one prompt; a batch of one serves every prompt. */
export const patchValue = (tensor: Tensor, hook: ServedHook, { heads, pos }: Patch, prompt: number): Tensor => {
  const chosen = hook.dims.map(name =>
    name === 'batch'
      ? [tensor.dims[0] === 1 ? 0 : prompt]
      : name === 'head'
        ? heads
        : POSITIONS.includes(name)
          ? pos
          : undefined
  );
  return chosen.reduce<Tensor>((part, indices, axis) => (indices ? takeAxis(part, axis, indices) : part), tensor);
};
