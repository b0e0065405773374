import type { Model } from '../../onnx/model';
import type { Tensor } from '../../onnx/tensor';
import type { Anatomy, Tower } from '../../anatomy/anatomy';
import { random } from '../../maths/random';
import type { SiteInputs } from '../../surgery/intervene';
import type { Context } from '../context';
import type { Feedable } from '../inputs/feeds';
import { aimChange, checkGoesOn, type Span, type When } from './generate-aim';
import { createStepper, type PastSteps, type StepFeeds } from './generate-past';
import { checkSampling, greedy, sample, type Sampling } from './generate-sample';
import type { IntervenedSessions } from '../interventions/intervened-sessions';
import { planInterventions, type InterventionPlan } from '../interventions/intervention-plan';
import type { Interventions } from '../interventions/interventions';
import type { Session } from '../session';

export interface GenerateRequest {
  /** Prompts, one row each, all of one length. */
  readonly ids: readonly (readonly number[])[];
  /** New tokens, at most; less where all rows have met a `stop`. */
  readonly tokens: number;
  /** Greedy where absent. */
  readonly sampling?: Sampling;
  /** Ids that end a row; the id itself is kept. */
  readonly stop?: readonly number[];
  /** Their positions are those of the prompt. */
  readonly interventions?: Interventions;
  /** 'always' where absent: also at each new position where no positions are named, or -1. */
  readonly when?: When;
  /** Keeps the logits that each new token was taken from. */
  readonly logits?: boolean;
  /** 'never' runs the whole sequence for each token, also where the file can take past keys and values. */
  readonly past?: 'never';
  /** The ids of each row that were made so far, after each token. */
  readonly onToken?: (ids: readonly (readonly number[])[]) => void;
}

export interface Generation {
  /** New ids of each row, up to and with its stop. */
  readonly ids: readonly (readonly number[])[];
  /** [row, step, d_vocab], float32. */
  readonly logits?: Tensor;
  /** With past keys and values, or whole forwards. */
  readonly method: 'past' | 'whole';
}

export interface GenerateParts {
  readonly label: string;
  readonly model: Model;
  readonly anatomy: Anatomy;
  readonly tower: Tower;
  readonly inputs: readonly Feedable[];
  readonly batches: boolean;
  readonly session: Session;
  readonly intervened: IntervenedSessions;
  readonly maxPositions?: number;
  /** Proved once for a file: a step with past gives what the whole forward gives. */
  readonly past: PastSteps;
}

const MOST_TOKENS = 100_000;
const MOST_LOGITS = 2 ** 27;

/**
 * Continues each prompt token by token. A position is computed once: what an intervention did to it stays. Throws for a model without logits or
 * whose tokens see the future, for more tokens than positions, for NaN, and for what `forward` refuses.
 */
export const generate = async (
  parts: GenerateParts,
  request: GenerateRequest,
  context: Context
): Promise<Generation> => {
  const { interventions, ids } = request;
  if (interventions === undefined || interventions.list.length === 0) {
    return generateFed(parts, request, () => ({}), context);
  }
  const logits = check(parts, request);
  const plan = planInterventions(parts.anatomy, interventions, { rows: ids.length, length: ids[0].length });
  plan.changes.forEach(change => checkGoesOn(change, request.when ?? 'always'));
  return parts.intervened.use(plan.sites, ({ session, sites }) =>
    loop(parts, request, logits, session, span => aimed(plan, sites, request, span), context)
  );
};

/** The same of a session that takes more feeds than the ids. */
export const generateFed = async (
  parts: GenerateParts,
  request: Omit<GenerateRequest, 'interventions' | 'when'>,
  feeds: StepFeeds,
  context: Context
): Promise<Generation> => loop(parts, request, check(parts, request), parts.session, feeds, context);

const aimed = (
  plan: InterventionPlan,
  sites: readonly SiteInputs[],
  { ids, when = 'always' }: GenerateRequest,
  span: Span
): Readonly<Record<string, Tensor>> => plan.feeds(sites, change => aimChange(change, ids[0].length, when, span));

/** The name of the logits. */
const check = (
  { tower, label, maxPositions }: GenerateParts,
  { ids, tokens, sampling, logits = false }: GenerateRequest
): string => {
  const { head, causal, dVocab } = tower;
  if (head === undefined || !causal) {
    throw new Error(
      `generation impossible: '${label}' ${head === undefined ? 'has no logits' : `lets tokens see the future (tower '${tower.name}')`}`
    );
  }
  if (!Number.isInteger(tokens) || tokens < 1 || tokens > MOST_TOKENS) {
    throw new Error(`tokens wrong: ${tokens}, wanted a whole number from 1 to ${MOST_TOKENS}`);
  }
  const length = ids[0]?.length ?? 0;
  if (length === 0) {
    throw new Error('ids empty: no token to go on from');
  }
  // The last token is not read again.
  if (maxPositions !== undefined && length + tokens - 1 > maxPositions) {
    throw new Error(
      `generation too long: ${length} tokens and ${tokens} new ones, the model has ${maxPositions} positions`
    );
  }
  if (logits && ids.length * tokens * (dVocab ?? 0) > MOST_LOGITS) {
    throw new Error(
      `logits too large: ${ids.length} rows × ${tokens} tokens × ${dVocab} ids, at most ${MOST_LOGITS} are kept`
    );
  }
  checkSampling(sampling ?? {});
  return head.logits;
};

const loop = async (
  parts: GenerateParts,
  request: GenerateRequest,
  logits: string,
  session: Session,
  feeds: StepFeeds,
  context: Context
): Promise<Generation> => {
  const { ids: prompts, tokens, sampling, stop = [], onToken } = request;
  const oneRun = parts.batches || prompts.length === 1;
  const past = request.past !== 'never' && oneRun && (await parts.past.works(context));
  const stepper = createStepper({ ...parts, session, logits, presents: past ? parts.past.presents : undefined });
  const stream = random(sampling?.seed ?? 0);
  const made = prompts.map((): number[] => []);
  const kept: Float32Array[] = [];
  const open = (row: number): boolean => made[row].length === 0 || !stop.includes(made[row].at(-1)!);
  for (let step = 0; step < tokens && made.some((_, row) => open(row)); step++) {
    context.progress({ done: step, total: tokens, label: `token ${step + 1} of ${tokens}` });
    // A row that has ended is fed its last token on and on; nothing of it is kept.
    const rows = prompts.map((prompt, row) => padded([...prompt, ...made[row]], prompt.length + step));
    const last = await stepper.next(rows, feeds, context.signal);
    last.forEach((values, row) => {
      refuseNaN(values, logits, row, step);
      const next = sampling ? sample(values, sampling, stream) : greedy(values);
      if (open(row)) {
        made[row].push(next);
      }
    });
    kept.push(...(request.logits ? last : []));
    onToken?.(made.map(row => [...row]));
  }
  context.progress({ done: tokens, total: tokens, label: 'generation done' });
  return {
    ids: made,
    ...(request.logits && { logits: stacked(kept, prompts.length) }),
    method: past ? 'past' : 'whole'
  };
};

const padded = (row: readonly number[], length: number): readonly number[] =>
  Array.from({ length }, (_, at) => row[Math.min(at, row.length - 1)]);

/** Steps of rows → [row, step, d_vocab]. */
const stacked = (kept: readonly Float32Array[], rows: number): Tensor => {
  const [steps, width] = [kept.length / rows, kept[0].length];
  const data = new Float32Array(kept.length * width);
  kept.forEach((values, at) => data.set(values, ((at % rows) * steps + Math.floor(at / rows)) * width));
  return { dims: [rows, steps, width], type: 'float32', data };
};

const refuseNaN = (values: Float32Array, logits: string, row: number, step: number): void => {
  if (values.some(Number.isNaN)) {
    throw new Error(`output NaN: '${logits}' of row ${row} has NaN at new token ${step}`);
  }
};
