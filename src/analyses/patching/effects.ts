import type { Context } from '../../subject/context';
import type { ResultTensor } from '../result';
import { decodeTensor, encodeTensor } from '../tensor-codec';

/** Means over the prompts of what a metric is in the two runs. */
export interface Baselines {
  readonly clean: number;
  readonly corrupted: number;
}

/** What changes did to a metric, cell by cell; a cell that is not computed yet is NaN. */
export interface Effects {
  /** Change of the metric's mean over the prompts from the unpatched run; normalised by clean − corrupted where that is not zero. */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  /** Standard deviation over the prompts, in the unit of the values. */
  readonly deviations: ResultTensor & { readonly dtype: 'float32' };
  readonly baselines: Baselines;
  readonly normalised: boolean;
  /** Cells computed. */
  readonly done: number;
}

/** Clean and corrupted means closer than this share of the larger are the same number. */
const SAME = 1e-6;

/** Whether (m − corrupted)/(clean − corrupted) means anything. */
export const canNormalise = ({ clean, corrupted }: Baselines): boolean =>
  Math.abs(clean - corrupted) > SAME * Math.max(Math.abs(clean), Math.abs(corrupted), 1e-12);

export interface EffectsRequest {
  readonly dims: readonly string[];
  readonly shape: readonly number[];
  readonly normalise: boolean;
  readonly unit: string;
  /** Of the run that is changed, by prompt; and of both runs, as means. */
  readonly base: readonly number[];
  readonly baselines: Baselines;
}

/** Collects values by cell and prompt as they come. */
export interface EffectsCollector {
  put(cell: number, values: readonly number[]): void;
  effects(): Effects;
}

export const collectEffects = (request: EffectsRequest, earlier?: Effects): EffectsCollector => {
  const { dims, shape, base, baselines, unit } = request;
  const count = shape.reduce((product, size) => product * size, 1);
  const [values, deviations] = [new Float32Array(count).fill(NaN), new Float32Array(count).fill(NaN)];
  const normalised = request.normalise && canNormalise(baselines);
  const scale = normalised ? baselines.clean - baselines.corrupted : 1;
  let done = 0;
  if (earlier) {
    values.set(decodeTensor(earlier.values));
    deviations.set(decodeTensor(earlier.deviations));
    done = values.reduce((sum, value) => sum + (Number.isNaN(value) ? 0 : 1), 0);
  }
  return {
    put: (cell, after) => {
      const changes = after.map((value, prompt) => (value - base[prompt]) / scale);
      const mean = changes.reduce((sum, value) => sum + value, 0) / changes.length;
      const square = changes.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      values[cell] = mean;
      deviations[cell] = changes.length > 1 ? Math.sqrt(square / (changes.length - 1)) : 0;
      done++;
    },
    effects: () => {
      const labels = { dims, shape, unit: normalised ? 'share of clean − corrupted' : unit };
      return {
        values: { ...encodeTensor(labels, values), dtype: 'float32' },
        deviations: { ...encodeTensor(labels, deviations), dtype: 'float32' },
        baselines,
        normalised,
        done
      };
    }
  };
};

/** Cells computed, of all. */
export const completionOf = ({ values, done }: Effects): { readonly done: number; readonly total: number } => ({
  done,
  total: values.shape.reduce((product, size) => product * size, 1)
});

/** Which cells an earlier, partial result has. */
export const computedCells = (earlier: Pick<Effects, 'values'> | undefined): ((cell: number) => boolean) => {
  const values = earlier && decodeTensor(earlier.values);
  return cell => values !== undefined && !Number.isNaN(values[cell]);
};

/** Calls `give` at most so often, milliseconds apart: a partial result costs a copy and a drawing. */
const APART = 500;

export const paced = (context: Context, give: () => unknown): (() => void) => {
  let last = performance.now();
  return () => {
    if (context.partial && performance.now() - last > APART) {
      context.partial(give());
      last = performance.now();
    }
  };
};

/** Means over the prompts of the two runs of a sweep whose base is the corrupted (denoising) or the clean run (noising). */
export const baselinesOf = (
  base: readonly number[],
  source: readonly number[] | undefined,
  denoising: boolean
): Baselines => {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [own, other] = [mean(base), mean(source ?? base)];
  return denoising ? { clean: other, corrupted: own } : { clean: own, corrupted: other };
};
