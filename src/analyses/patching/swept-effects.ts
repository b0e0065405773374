import type { Context } from '../../subject/context';
import type { SweepMethod, SweepResult } from '../../subject/sweep';
import {
  collectEffects,
  computedCells,
  paced,
  type Baselines,
  type Effects,
  type EffectsCollector,
  type EffectsRequest
} from './effects';
import { METRICS, type MetricId } from './metric';

/** Of an analysis whose cells are the patches, or paths, of one sweep. */
export interface EffectsSweep<Labels> extends Pick<EffectsRequest, 'dims' | 'shape' | 'normalise'> {
  readonly metric: MetricId;
  /** What the result has besides its effects. */
  readonly labels: Labels;
  baselines(base: readonly number[], source: readonly number[] | undefined): Baselines;
  /** Sweeps over these cells. */
  sweep(cells: readonly number[], events: SweepEvents): Promise<SweepResult>;
}

interface SweepEvents {
  onStart(base: readonly number[], source: readonly number[] | undefined): void;
  /** `index` is that of the cells swept. */
  onCell(index: number, values: readonly number[]): void;
}

/** Sweeps over the cells that an earlier, partial result lacks, and offers what is there as it comes. */
export const sweptEffects = async <Labels>(
  { dims, shape, normalise, metric, labels, baselines, sweep }: EffectsSweep<Labels>,
  context: Context
): Promise<Labels & Effects & { readonly method: SweepMethod }> => {
  const earlier = context.earlier as (Effects & { readonly method: SweepMethod }) | undefined;
  const isDone = computedCells(earlier);
  const count = shape.reduce((product, size) => product * size, 1);
  const cells = Array.from({ length: count }, (_, cell) => cell).filter(cell => !isDone(cell));
  let collector: EffectsCollector | undefined;
  const result = (method: SweepMethod): Labels & Effects & { readonly method: SweepMethod } => ({
    ...labels,
    ...collector!.effects(),
    method
  });
  const offer = paced(context, () => result(earlier?.method ?? 'whole'));
  const { method } = await sweep(cells, {
    onStart: (base, source) => {
      const { unit } = METRICS[metric];
      collector = collectEffects({ dims, shape, normalise, unit, base, baselines: baselines(base, source) }, earlier);
    },
    onCell: (index, values) => {
      collector!.put(cells[index], values);
      offer();
    }
  });
  return result(method);
};
