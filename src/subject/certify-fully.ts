import type { Anatomy, Tower } from '../anatomy/anatomy';
import type { Captured, Further, Padded } from '../anatomy/certificate/captured';
import type { Certificate } from '../anatomy/certificate/certificate';
import { certify } from '../anatomy/certificate/certify';
import { IDENTITIES } from '../anatomy/certificate/identities';
import { applyCertificate } from '../anatomy/certificate/judge-hooks';
import { otherProbe } from '../anatomy/certificate/probe';
import { isContent, rowInput, towerInput } from '../anatomy/certificate/row-input';
import type { Model } from '../onnx/model';
import type { Tensor } from '../onnx/tensor';
import type { Weights } from '../onnx/weights';
import type { Context } from './context';
import { buildFeeds, contentFeeds, readingInputs, type Feedable, type Rows } from './inputs/feeds';
import type { ServedHook } from './hook-names';
import { hookValues, outputValues } from './hook-values';
import type { IntervenedSessions } from './interventions/intervened-sessions';
import { planInterventions } from './interventions/intervention-plan';
import type { Feeds, Session } from './session';
import type { Unembedding } from './unembedding';

export interface FullParts {
  readonly model: Model;
  readonly weights: Weights;
  /** As the quick certificate left it. */
  readonly anatomy: Anatomy;
  /** The quick one. */
  readonly certificate: Certificate;
  readonly inputs: readonly Feedable[];
  /** With every hook as an output. */
  readonly session: Session;
  readonly intervened: IntervenedSessions;
  readonly unembeddings: ReadonlyMap<Tower, Unembedding>;
  /** Rows of a run do not change one another. */
  readonly batches: boolean;
  readonly maxPositions?: number;
}

export interface FullCertificate {
  readonly certificate: Certificate;
  /** With the hooks judged by it. */
  readonly anatomy: Anatomy;
}

type Hooks = Captured['hooks'];

/** Of the sequences that the rows are not, by their inputs. */
type Others = Readonly<Record<string, Rows>>;

/** Runs hooks of rows, and counts the runs. */
type Run = (rows: Rows, label: string, others: Others, feeds?: Feeds) => Promise<Hooks>;

/**
 * All rows of every projection, two lengths, each row of the batch alone, padding on either side where the file has a mask, and a run
 * from the stream before the first block: nine forwards at most besides the quick certificate's three.
 */
export const certifyFully = async (parts: FullParts, context: Context): Promise<FullCertificate> => {
  const { anatomy, certificate: quick, model, weights } = parts;
  const { probe, others = {} } = quick;
  let forwards = quick.forwards;
  const run: Run = async (rows, label, beside, feeds) => {
    context.signal.throwIfAborted();
    context.progress({ done: forwards - quick.forwards, total: 9, label });
    forwards++;
    return runHooks(parts, rows, beside, context, feeds);
  };
  const captured = await capture(parts, probe, run, 'running the probe', others);
  const further: Further = {
    ...(await otherLength(parts, run)),
    alone: await rowsAlone(parts, run),
    padded: await amongPadding(parts, run),
    ...(await fromTheStream(parts, captured.hooks, context, () => forwards++))
  };
  const found = certify({ anatomy, model, weights, captured, probe, others, further, forwards });
  const kept = quick.identities.filter(({ name }) => name === 'logits-unchanged-by-surgery');
  const order = IDENTITIES.map(({ name }) => name);
  const identities = [...found.identities, ...kept].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const certificate: Certificate = { ...found, identities, forwards };
  return { certificate, anatomy: applyCertificate(anatomy, certificate) };
};

const served = ({ anatomy }: FullParts): readonly ServedHook[] =>
  anatomy.hooks.filter((hook): hook is ServedHook => hook.source !== undefined);

const quiet = ({ signal }: Context): Context => ({ signal, progress: () => undefined });

/** Hooks, and the logits of each tower under their names in the file. */
const runHooks = async (
  parts: FullParts,
  rows: Rows,
  others: Others,
  context: Context,
  feeds: Feeds
): Promise<Hooks> => {
  const hooks = served(parts);
  const logits = [...parts.unembeddings.keys()].flatMap(({ head }) => head?.logits ?? []);
  const fetches = [...new Set([...logits, ...hooks.map(({ source }) => source.tensor)])];
  const session = parts.session.reading(inputsFor(parts, others));
  const chunks = await session.run(rows, fetches, feeds, quiet(context));
  return new Map([
    ...hooks.map(hook => [hook.name, hookValues(hook, chunks, rows[0].length)] as const),
    ...logits.map(name => [name, outputValues(name, chunks)] as const)
  ]);
};

/** Rows are the first tower's, as in the quick certificate. */
const inputsFor = ({ anatomy, inputs }: FullParts, others: Others): readonly Feedable[] =>
  readingInputs(inputs, towerInput(anatomy.towers[0]), others);

/** The quick certificate has compared the outputs: here those of the observed model stand for the file's. */
const capture = async (parts: FullParts, rows: Rows, run: Run, label: string, others: Others): Promise<Captured> => {
  const all = await run(rows, label, others);
  const names = new Set(served(parts).map(({ name }) => name));
  const suffix = new Map<string, Tensor>();
  for (const [{ name, head }, unembedding] of parts.unembeddings) {
    const residual = head && all.get(parts.anatomy.towers.length > 1 ? `${name}.${head.hook}` : head.hook);
    if (residual) {
      suffix.set(head.logits, await unembedding.run(residual));
    }
  }
  return {
    fed: contentFeeds(inputsFor(parts, others), rows),
    hooks: new Map([...all].filter(([name]) => names.has(name))),
    bare: new Map([...all].filter(([name]) => suffix.has(name))),
    observed: new Map(),
    suffix
  };
};

const lengthFixed = ({ inputs }: FullParts): boolean => axesOf(inputs).some(shape => typeof shape.at(-1) === 'number');

const rowsFixed = ({ inputs }: FullParts): boolean =>
  axesOf(inputs).some(shape => shape.length !== 2 || typeof shape[0] === 'number');

/** Of each sequence that is read. */
const axesOf = (inputs: readonly Feedable[]): readonly Feedable['shape'][] =>
  inputs.flatMap(input => (input.role === 'ids' || isContent(input) ? [rowInput([input])!.shape] : []));

const otherLength = async (parts: FullParts, run: Run): Promise<Pick<Further, 'other'>> => {
  const { maxPositions = Infinity, anatomy } = parts;
  const { ids, others } = otherProbe(anatomy);
  const rows = ids.map(row => row.slice(0, maxPositions));
  return lengthFixed(parts) || rows[0].length === parts.certificate.probe[0].length
    ? {}
    : { other: { probe: rows, others, captured: await capture(parts, rows, run, 'running another length', others) } };
};

const rowsAlone = async (parts: FullParts, run: Run): Promise<readonly Hooks[]> => {
  const alone: Hooks[] = [];
  const { probe } = parts.certificate;
  for (const [at, row] of parts.batches && !rowsFixed(parts) ? probe.entries() : []) {
    alone.push(await run([row], `running row ${at} alone`, othersAt(parts, at)));
  }
  return alone;
};

const othersAt = ({ certificate: { others = {} } }: FullParts, row: number): Others =>
  Object.fromEntries(Object.entries(others).map(([name, rows]) => [name, rows.slice(row, row + 1)]));

const MOST_PADDING = 3;

/** The first row, and ids of the second one that a mask hides. */
const amongPadding = async (parts: FullParts, run: Run): Promise<readonly Padded[]> => {
  const { certificate, maxPositions = Infinity } = parts;
  const inputs = inputsFor(parts, othersAt(parts, 0));
  const [own, other = own] = certificate.probe;
  const count = Math.min(MOST_PADDING, maxPositions - own.length, other.length);
  const masked = inputs.some(
    ({ role, shape, own: aside }) => role === 'attention_mask' && !aside && shape.at(-1) !== 1
  );
  // Without batches activations are rounded by the scale of the whole row, its padding included.
  if (!parts.batches || !masked || count < 1 || lengthFixed(parts) || rowsFixed(parts)) {
    return [];
  }
  const hidden = other.slice(0, count);
  const positionsFed = inputs.some(({ role, shape }) => role === 'position_ids' && shape.at(-1) !== 1);
  const padded: Padded[] = [];
  for (const side of ['right', 'left'] as const) {
    const start = side === 'left' ? count : 0;
    const row = side === 'left' ? [...hidden, ...own] : [...own, ...hidden];
    const feeds = paddedFeeds(inputs, row, start, own.length);
    const hooks = await run([row], `running it padded on the ${side}`, othersAt(parts, 0), feeds);
    padded.push({ side, start, positionsFed, hooks });
  }
  return padded;
};

/** A mask of zeros on the padding, and positions from the first token of the row itself. */
const paddedFeeds = (inputs: readonly Feedable[], row: readonly number[], start: number, length: number): Feeds => {
  const padded = inputs.filter(
    ({ role, own }) => own === undefined && (role === 'attention_mask' || role === 'position_ids')
  );
  const feeds = buildFeeds(inputs, [row]);
  return Object.fromEntries(
    padded.map(({ name, role }) => {
      const { dims, type, data } = feeds[name];
      const changed = data.slice();
      const put = (at: number, value: number): void => {
        changed[at] = typeof changed[at] === 'bigint' ? BigInt(value) : value;
      };
      for (let at = 0; at < changed.length; at++) {
        const hidden = at < start || at >= start + length;
        if (role === 'position_ids') {
          put(at, Math.max(0, at - start));
        } else if (hidden) {
          put(at, 0);
        }
      }
      return [name, { dims, type, data: changed }];
    })
  );
};

const STREAM = 'blocks.0.hook_resid_pre';

/** The probe's stream in front of the first block, in a run of other ids. */
const fromTheStream = async (
  parts: FullParts,
  hooks: Hooks,
  context: Context,
  count: () => void
): Promise<Pick<Further, 'restarted'>> => {
  const value = hooks.get(STREAM);
  const { probe } = parts.certificate;
  // Embeddings that are fed: the stream is what every run starts from.
  const isFed = parts.inputs.some(({ name }) => name === parts.anatomy.towers[0].blocks[0].residPre);
  if (!value || isFed || parts.anatomy.towers.length > 1 || !parts.batches) {
    return {};
  }
  context.progress({ done: 8, total: 9, label: 'running it from the stream before the first block' });
  count();
  const rows = [...probe].reverse();
  const list = [{ hook: STREAM, op: 'set', value, allow: 'unverified' }] as const;
  const plan = planInterventions(parts.anatomy, { list }, { rows: rows.length, length: rows[0].length });
  const wanted = served(parts);
  return parts.intervened.use(plan.sites, async ({ session, sites }) => {
    const fetches = [...new Set(wanted.map(({ source }) => source.tensor))];
    const reading = session.reading(inputsFor(parts, parts.certificate.others ?? {}));
    const chunks = await reading.run(rows, fetches, undefined, quiet(context), plan.feeds(sites));
    return { restarted: new Map(wanted.map(hook => [hook.name, hookValues(hook, chunks, rows[0].length)])) };
  });
};
