import type { Tensor } from '../../onnx/tensor';
import type { Context } from '../context';
import type { PatchSource, Readout, SweepResult } from '../sweep';
import { takeAxis } from '../tensor-axes';

/** What one prompt of a request is by itself. */
export interface OnePrompt<S> {
  readonly base: readonly (readonly number[])[];
  readonly source: S;
  readonly readout: Readout;
}

interface Asked<S> extends OnePrompt<S> {
  /** What made it, for the message: "a patch of 'blocks.1.attn.hook_z'". */
  readonly what: string;
  /** The same by whole forwards: they name the first hook that holds NaN. */
  readonly naively: (one: OnePrompt<S>, context: Context) => Promise<SweepResult>;
}

/** Throws where a row's value is NaN, and names the first hook that has it, found by making the row again by whole forwards. */
export const refuseNaNRow = async <S extends PatchSource>(
  value: number,
  prompt: number,
  { base, source, readout, what, naively }: Asked<S>,
  { signal }: Context
): Promise<void> => {
  if (!Number.isNaN(value)) {
    return;
  }
  const one: OnePrompt<S> = {
    base: [base[prompt]],
    source: sourceOf(source, prompt) as S,
    readout: {
      positions: [readout.positions[prompt]],
      ...(readout.columns && { columns: [readout.columns[prompt]] }),
      value: logits => readout.value(logits, prompt)
    }
  };
  const why = await naively(one, { signal, progress: () => undefined }).then(
    () => 'made again as a whole forward, it is a number',
    (error: unknown) => (error instanceof Error ? error.message : String(error))
  );
  signal.throwIfAborted();
  throw new Error(`metric not a number: with ${what} it is NaN; ${why}`);
};

const sourceOf = (source: PatchSource, prompt: number): PatchSource => {
  if (source.kind === 'run') {
    return { kind: 'run', ids: [source.ids[prompt]] };
  }
  const row = (tensor: Tensor): Tensor => (tensor.dims[0] === 1 ? tensor : takeAxis(tensor, 0, [prompt]));
  return source.kind === 'zero' ? source : { kind: 'values', of: hook => row(source.of(hook)) };
};
