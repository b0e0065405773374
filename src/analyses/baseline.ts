import type { Context } from '../subject/context';
import type { Cost, Subject } from '../subject/subject';
import { asShuffled } from './as-shuffled';
import { agree, gappedTensor, orNull, type Check } from './check';
import { quiet } from './quiet';
import type { ResultTensor } from './result';
import { integer } from './spec/spec';
import type { Profile } from './geometry/profile';
import { decodeTensor, encodeTensor } from './tensor-codec';

/** What the same shape gives without what was learned. */
export const BASELINE = {
  baseline: integer({
    title: 'Shuffled models',
    description:
      'How many copies of the model, with the entries of each weight matrix in a random order, are measured beside it (each holds the weights once more).',
    default: 0,
    minimum: 0,
    maximum: 5
  })
};

interface BaselineSpec {
  readonly baseline: number;
}

/** [model, measure, place] of the shuffled models; null where none was asked for. */
export type Baseline = (ResultTensor & { readonly dtype: 'float32' }) | null;

/** Measures the model, then shuffled ones on the same input, one after the other. `rows` are [measure][place]. `reads`: what it takes of them. */
export async function withShuffled<T>(
  subject: Subject,
  { baseline: models }: BaselineSpec,
  context: Context,
  seed: number,
  measure: (subject: Subject, context: Context) => Promise<T>,
  rows: (measured: T) => readonly (readonly number[])[],
  reads: 'activations' | 'weights' = 'activations'
): Promise<{ readonly own: T; readonly baseline: Baseline }> {
  const own = await measure(subject, stage(context, 0, models + 1, ''));
  const found: (readonly (readonly number[])[])[] = [];
  for (let model = 0; model < models; model++) {
    const steps = stage(context, model + 1, models + 1, `shuffled model ${model + 1} of ${models}: `);
    const shuffled = await subject.shuffled(seed + model, {
      ...steps,
      progress: ({ label }) => steps.progress({ done: 0, total: 1, label })
    });
    try {
      const weights = reads === 'weights' && { weights: await shuffled.weights(quiet(steps)) };
      found.push(rows(await measure({ ...asShuffled(subject, shuffled), ...weights }, steps)));
    } finally {
      await shuffled.release();
    }
  }
  return { own, baseline: found.length === 0 ? null : encode(found) };
}

/** One of some equal parts of the work. */
const stage = ({ signal, progress }: Context, at: number, stages: number, words: string): Context => ({
  signal,
  progress: ({ done, total, label }) =>
    progress({ done: done + at * total, total: total * stages, label: `${words}${label}` })
});

function encode(found: readonly (readonly (readonly number[])[])[]): NonNullable<Baseline> {
  const shape = [found.length, found[0].length, found[0][0].length];
  const values = Float32Array.from(found.flat(2));
  return { ...encodeTensor({ dims: ['model', 'measure', 'place'], shape }, values), dtype: 'float32' };
}

/** Of these many measures, and at most as many models as the field allows. */
export const checkBaseline =
  (measures: number): Check<Baseline> =>
  (value, at) => {
    const checked = orNull(gappedTensor(['model', 'measure', 'place']))(value, at);
    const [models, found] = checked?.shape ?? [1, measures];
    agree(`${at} measures`, measures, found);
    if (models < 1 || models > BASELINE.baseline.maximum) {
      throw new Error(`'${at}' has ${models} models, which must be 1 to ${BASELINE.baseline.maximum}`);
    }
    return checked;
  };

/** Both have the same places. */
export function agreePlaces<T extends { readonly values: Profile; readonly baseline: Baseline }>(result: T): T {
  if (result.baseline) {
    agree('result.baseline places', result.values.shape[1], result.baseline.shape[2]);
  }
  return result;
}

/** [measure][place][model]; no measure where there is no baseline. */
export function baselineRows(baseline: Baseline): number[][][] {
  if (!baseline) {
    return [];
  }
  const [models, measures, places] = baseline.shape;
  const values = decodeTensor(baseline);
  const index = (size: number): number[] => Array.from({ length: size }, (_, i) => i);
  return index(measures).map(m =>
    index(places).map(p => index(models).map(model => values[(model * measures + m) * places + p]))
  );
}

/** A run's cost with that of the shuffled models. */
export const withBaseline = (subject: Subject, { baseline }: BaselineSpec, cost: Cost): Cost => ({
  ...cost,
  forwards: cost.forwards * (1 + baseline),
  bytes: cost.bytes * (1 + baseline),
  ...(baseline > 0 && { session: Object.values(subject.facts.dtypes).reduce((sum, bytes) => sum + bytes, 0) })
});

/** For a caption. */
export const baselineWords = (baseline: Baseline): string =>
  baseline
    ? ` Dotted: ${baseline.shape[0] === 1 ? 'a copy' : `the mean of ${baseline.shape[0]} copies`} with the entries of each weight matrix in a random order${baseline.shape[0] === 1 ? '' : ', whiskers from the least to the largest'}.`
    : '';
