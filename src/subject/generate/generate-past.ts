import type { Anatomy, Tower } from '../../anatomy/anatomy';
import type { Model } from '../../onnx/model';
import type { Tensor } from '../../onnx/tensor';
import { presentOutputs } from '../../surgery/present-outputs';
import type { Context } from '../context';
import { buildFeeds, type Feedable, type Rows } from '../inputs/feeds';
import { lastLogits } from './last-logits';
import type { Session } from '../session';
import type { Span } from './generate-aim';

export interface Stepper {
  /** The logits behind the last token of each row; rows grow by one token from call to call. */
  next(rows: Rows, feeds: StepFeeds, signal: AbortSignal): Promise<readonly Float32Array[]>;
}

/** What the interventions' inputs are fed in a run of these positions. */
export type StepFeeds = (span: Span) => Readonly<Record<string, Tensor>>;

interface StepperParts {
  readonly inputs: readonly Feedable[];
  readonly session: Session;
  readonly logits: string;
  /** Output for each input of past keys and values; absent: whole forwards. */
  readonly presents: ReadonlyMap<string, string> | undefined;
}

export const createStepper = ({ inputs, session, logits, presents }: StepperParts): Stepper => {
  const fetches = [logits, ...(presents?.values() ?? [])];
  let cached: { readonly length: number; readonly tensors: Readonly<Record<string, Tensor>> } | undefined;
  return {
    next: async (rows, feeds, signal) => {
      const span = { from: cached?.length ?? 0, to: rows[0].length };
      const quiet: Context = { signal, progress: () => undefined };
      const own = cached && { ...feedsFrom(inputs, rows, span.from), ...cached.tensors };
      const news = rows.map(row => row.slice(span.from));
      const { tensors } = await session.run(news, fetches, own ?? (presents ? {} : undefined), quiet, feeds(span));
      if (presents) {
        const kept = [...presents].map(([input, output]) => [input, tensors[output][0]] as const);
        cached = { length: span.to, tensors: Object.fromEntries(kept) };
      }
      return lastLogits(tensors[logits]);
    }
  };
};

/** As for the whole rows, without the positions that are cached; a mask covers those as well. */
const feedsFrom = (inputs: readonly Feedable[], rows: Rows, from: number): Record<string, Tensor> => {
  const fresh = inputs.filter(({ role }) => role !== 'past');
  const whole = buildFeeds(fresh, rows);
  const sliced = fresh.map(
    ({ name, role }) => [name, role === 'attention_mask' ? whole[name] : behind(whole[name], from)] as const
  );
  return Object.fromEntries(sliced);
};

const behind = ({ dims, type, data }: Tensor, from: number): Tensor => {
  const length = dims[dims.length - 1];
  const kept = Array.from({ length: data.length / length }, (_, row) => row * length);
  const part = data.slice(0, kept.length * (length - from));
  kept.forEach((start, row) =>
    (part as Float32Array).set(data.subarray(start + from, start + length) as Float32Array, row * (length - from))
  );
  return { dims: [...dims.slice(0, -1), length - from], type, data: part };
};

/** Whether a file can be run step by step, found out by running it. */
export interface PastSteps {
  readonly presents: ReadonlyMap<string, string> | undefined;
  works(context: Context): Promise<boolean>;
}

interface PastParts {
  readonly model: Model;
  readonly anatomy: Anatomy;
  readonly tower: Tower;
  readonly inputs: readonly Feedable[];
  readonly session: Session;
  /** What the session takes besides, changing nothing. */
  readonly feeds?: StepFeeds;
}

/** Of the largest logit: two orders of summation in single precision; half precision has three digits. */
const TOLERANCE = { single: 1e-4, half: 2e-2 };
const PROBE = [1, 2, 3, 1, 2];

export const pastSteps = ({ model, anatomy, tower, inputs, session, feeds = none }: PastParts): PastSteps => {
  const presents = presentOutputs(model, anatomy);
  let proved: Promise<boolean> | undefined;
  const prove = async (signal: AbortSignal): Promise<boolean> => {
    const logits = tower.head!.logits;
    const parts = { inputs, session, logits };
    const [whole] = await createStepper({ ...parts, presents: undefined }).next([PROBE], feeds, signal);
    const stepper = createStepper({ ...parts, presents });
    await stepper.next([PROBE.slice(0, 3)], feeds, signal);
    await stepper.next([PROBE.slice(0, 4)], feeds, signal);
    const [stepped] = await stepper.next([PROBE], feeds, signal);
    const half = inputs.some(({ role, type }) => role === 'past' && type === 'float16');
    const largest = whole.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const error = whole.reduce((most, x, at) => Math.max(most, Math.abs(x - stepped[at])), 0);
    return error <= (half ? TOLERANCE.half : TOLERANCE.single) * largest;
  };
  return {
    presents,
    works: async ({ signal }) => {
      if (presents === undefined) {
        return false;
      }
      // A file whose steps fail is run by whole forwards, which need none of this.
      proved ??= prove(signal).catch(() => {
        proved = undefined;
        signal.throwIfAborted();
        return false;
      });
      return proved;
    }
  };
};

const none: StepFeeds = () => ({});
