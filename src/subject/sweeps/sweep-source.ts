import type { Tensor } from '../../onnx/tensor';
import type { Context } from '../context';
import type { SweepRequest } from '../sweep';
import { captureRun } from './base-run';
import type { Exact } from './exact-parts';
import { readLogits } from './readout';
import { quietly } from './whole';

export interface Sourced {
  readonly tensor: (hook: string) => Tensor | undefined;
  readonly values?: readonly number[];
}

/** What is put in the patches' places. */
export const sourceOf = async (
  exact: Exact,
  { source, readout, base }: Pick<SweepRequest, 'source' | 'readout' | 'base'>,
  hooks: readonly string[],
  context: Context
): Promise<Sourced> => {
  if (source.kind === 'zero') {
    return { tensor: () => undefined };
  }
  if (source.kind === 'values') {
    return { tensor: source.of };
  }
  if (source.ids.length !== base.length || source.ids[0]?.length !== base[0]?.length) {
    throw new Error(
      `source of wrong size: ${source.ids.length} rows of ${source.ids[0]?.length} tokens, the base has ${base.length} of ${base[0]?.length}`
    );
  }
  const run = await captureRun(exact.forward, hooks, source.ids, exact.logits, quietly(context));
  return {
    tensor: run.tensor,
    values: source.ids.map((_, prompt) => readLogits(run.logits, prompt, readout, prompt))
  };
};
