import { bootstrapMean, type Resamples } from '../../../maths/bootstrap';
import { canNormalise } from '../../patching/effects';
import { METRICS } from '../../patching/metric';
import { decodeTensor, encodeTensor } from '../../tensor-codec';
import type { TracingPlan } from './tracing-plan';
import { CONDITIONS, type CausalTracing } from './tracing-view';

/** Of the interval. */
const LEVEL = 0.95;

export const TRACING_DIMS = ['condition', 'layer', 'column'] as const;

/** Metrics by prompt of both runs of each counterfactual, and with each patch. */
export class Readings {
  readonly clean: Float64Array;
  readonly corrupted: readonly Float64Array[];
  /** [condition][cell][prompt]; NaN where it is not computed. */
  readonly patched: readonly Float64Array[][];

  constructor({ count: prompts, counterfactuals, patches }: TracingPlan) {
    const empty = (): Float64Array => new Float64Array(prompts).fill(NaN);
    this.clean = empty();
    this.corrupted = Array.from({ length: counterfactuals }, empty);
    this.patched = Array.from({ length: 2 * counterfactuals }, () => patches.map(empty));
  }
}

/** Effects and their intervals, cell by cell as all prompts of one are read. */
export function tracingTable(
  { labels, shape, patches, counterfactuals }: TracingPlan,
  readings: Readings,
  normalise: boolean,
  draws: Resamples
): { put(condition: number, cell: number): void; resume(earlier: CausalTracing): void; result(): CausalTracing } {
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const baselines = readings.corrupted.map(corrupted => ({ clean: mean(readings.clean), corrupted: mean(corrupted) }));
  const normalised = normalise && baselines.every(canNormalise);
  const size = 2 * counterfactuals * patches.length;
  const [values, low, high] = [0, 1, 2].map(() => new Float32Array(size).fill(NaN));
  let done = 0;
  return {
    put(condition, cell) {
      const patched = readings.patched[condition][cell];
      if (patched.some(Number.isNaN)) {
        return;
      }
      const { counterfactual, denoising } = CONDITIONS[condition];
      const { clean, corrupted } = baselines[counterfactual];
      const scale = normalised ? clean - corrupted : 1;
      // What denoising restores and what noising loses: both positive where the part carries the difference.
      const changes = patched.map((value, prompt) =>
        denoising
          ? (value - readings.corrupted[counterfactual][prompt]) / scale
          : (readings.clean[prompt] - value) / scale
      );
      const at = condition * patches.length + cell;
      done += Number.isNaN(values[at]) ? 1 : 0;
      values[at] = mean(changes);
      const interval = bootstrapMean(changes, draws, LEVEL);
      [low[at], high[at]] = [interval.low, interval.high];
    },
    resume(earlier) {
      [values, low, high].forEach((own, at) => own.set(decodeTensor([earlier.values, earlier.low, earlier.high][at])));
      done = earlier.done;
    },
    result() {
      const unit = normalised ? 'share of clean − corrupted' : METRICS[labels.metric].unit;
      const encode = (own: Float32Array): CausalTracing['values'] => ({
        ...encodeTensor({ dims: TRACING_DIMS, shape: [2 * counterfactuals, ...shape], unit }, own),
        dtype: 'float32'
      });
      return { values: encode(values), low: encode(low), high: encode(high), baselines, normalised, done, ...labels };
    }
  };
}
