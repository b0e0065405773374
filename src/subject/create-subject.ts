import type { Anatomy, Tower } from '../anatomy/anatomy';
import type { Certificate } from '../anatomy/certificate/certificate';
import { isContent } from '../anatomy/certificate/row-input';
import { headWay } from '../anatomy/head-way';
import { matrixReader } from '../anatomy/certificate/layer-maths';
import type { Model } from '../onnx/model';
import type { Tensor } from '../onnx/tensor';
import type { Weights } from '../onnx/weights';
import type { Prepared, Room } from '../runtime/runtime';
import type { Tokens } from '../tokens/tokens';
import { createCache } from './cache';
import { certifyFully } from './certify-fully';
import { checkFeeds } from './inputs/check-feeds';
import type { ContentSizes } from './inputs/pinned';
import type { Context } from './context';
import { hookBytes, outputBytes, type RequestSizes } from './cost';
import { edgeOpener } from './interventions/edges';
import { meansOf } from './interventions/data-runs';
import { mainInput, ownLengths, type Feedable } from './inputs/feeds';
import { generate } from './generate/generate';
import { pastSteps } from './generate/generate-past';
import { servedHook, type ServedHook } from './hook-names';
import { weightBytes } from './opening/facts';
import { hookValues, outputValues } from './hook-values';
import { readInput } from './inputs/input';
import type { IntervenedSessions } from './interventions/intervened-sessions';
import { inputsOf } from '../graph/inputs-of';
import { lookingAt, type SeenFile } from './inputs/looking';
import { planInterventions, type InterventionPlan } from './interventions/intervention-plan';
import { modelWeights } from './weights/model-weights';
import { nearest } from './near-names';
import { apartReading, encoderOf, otherReading, readApart, type Reading } from './inputs/reading';
import { refuseNaN } from './refuse-nan';
import { givenSequences, refuseOtherRows, refuseUnread } from './inputs/unread';
import type { Chunks, Session } from './session';
import type { Cache, Cost, ForwardRequest, ModelFacts, ReadingRequest, ShuffledModel, Subject } from './subject';
import type { PieceHolder } from './sweeps/piece-holder';
import { createSweeper } from './sweeps/sweeper';
import { tensorInput } from './inputs/tensor-input';
import { tensorList } from './tensor-facts';
import type { TokenTime } from './token-time';
import { prepareUnembedding, type Unembedding } from './unembedding';
import type { ClassLabels } from './opening/class-labels';

export interface SubjectParts {
  readonly facts: ModelFacts;
  readonly model: Model;
  readonly weights: Weights;
  /** Makes a session of an edit of the model, on its weights. */
  readonly prepare: (model: Model) => Promise<Prepared>;
  /** As `prepare`, with all hooks as outputs, fed by rows of ids. */
  readonly makeSession: (model: Model) => Promise<Session>;
  /** Rows of a run do not change one another. */
  readonly batches: boolean;
  readonly anatomy: Anatomy;
  readonly certificate: Certificate;
  readonly tokens?: Tokens;
  readonly contextLength?: number;
  /** What a run's rows are, of models that read more than one sequence. */
  readonly reading: Reading;
  /** What a decoder with an encoder begins with; absent where no configuration says. */
  readonly decoderStart?: number;
  /** Of images, and where they are from. */
  readonly sizes?: ContentSizes;
  /** preprocessor_config.json. */
  readonly preprocessor?: unknown;
  readonly inputs: readonly Feedable[];
  readonly session: Session;
  readonly intervened: IntervenedSessions;
  readonly unembeddings: ReadonlyMap<Tower, Unembedding>;
  /** By config.json. */
  readonly classes: ClassLabels;
  readonly shuffle: (seed: number, context: Context) => Promise<ShuffledParts>;
  /** Memory that can still be held. */
  readonly room: () => Room;
  /** Of the sweeps of this subject and of its readings. */
  readonly pieces: PieceHolder;
  /** What forwards of this subject and of its readings took. */
  readonly time: TokenTime;
}

/** The sessions of a model with shuffled weights. */
interface ShuffledParts extends Pick<SubjectParts, 'session' | 'intervened'> {
  /** The model and its weights again, by the same seed. */
  readonly again: (context: Context) => Promise<Pick<SubjectParts, 'model' | 'weights'>>;
}

const shorter = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : Math.min(a, b ?? a);

export const createSubject = (whole: SubjectParts): Subject => {
  const parts = readAs(whole);
  const { facts, anatomy, certificate, tokens, session, intervened, unembeddings, model } = parts;
  const { tower } = parts.reading;
  const limits = limitsOf(parts, tower);
  const run = checkedForward(parts, limits);
  const past = pastSteps({ ...parts, tower });
  const edges = edgeOpener({ ...parts, tower, maxPositions: limits.maxPositions });
  const unembedding = unembeddings.get(tower);
  const sweeper = createSweeper({
    ...parts,
    tower,
    forward: run,
    intervenedBytes: intervened.bytes,
    unembed: unembedding && (residual => unembedding.run(residual))
  });
  const classifier = classifierOf(parts, tower);
  const way = headWay(tower);
  const subject: Subject = {
    facts,
    anatomy,
    certificate,
    tower,
    ...(limits.maxPositions !== undefined && { maxPositions: limits.maxPositions }),
    outputs: model.graph.outputs.map(({ name }) => name),
    ...(tokens && { tokens }),
    ...(parts.sizes && { imageSizes: parts.sizes }),
    input: input => {
      if (tower.content) {
        refuseIds(parts);
      }
      return readInput(input, tokens, limits, facts);
    },
    ...((encoderOf(anatomy) ?? readApart(anatomy)) && {
      reading: (request: ReadingRequest) => createSubject({ ...whole, reading: readingOf(whole, request) })
    }),
    ...(anatomy.towers.some(({ content }) => content) && {
      looking: (file: SeenFile) => lookingAt(lookingSubject(whole, subject), parts, file)
    }),
    tensorInput: (tensors, source) => tensorInput({ ...parts, tower, label: facts.label }, tensors, source),
    cost: request => cost(parts, request),
    forward: run,
    sweep: guarded(parts, sweeper.sweep),
    sweepCost: sweeper.sweepCost,
    pathSweep: guarded(parts, sweeper.pathSweep),
    pathSweepCost: sweeper.pathSweepCost,
    means: async ({ ids, hooks, over }, context) => {
      const served = hooks.map(name => servedHook(anatomy, name, false));
      return meansOf({ forward: run }, served, { name: 'ids', rows: ids }, over, context);
    },
    generate: async (request, context) => {
      givenSequences(parts.inputs, undefined, facts.label);
      refuseIds(parts);
      request.ids.forEach(ids => readInput({ ids }, undefined, limits, facts));
      return generate(
        { ...parts, label: facts.label, tower, past, maxPositions: limits.maxPositions },
        request,
        context
      );
    },
    edges: guarded(parts, edges.open),
    shuffled: async (seed, context) => shuffled(parts, await parts.shuffle(seed, context), tower, limits),
    weights: modelWeights({ tower, certificate, read: matrixReader(model, parts.weights), label: facts.label }),
    tensors: tensorList(model),
    certify: async (_, context) =>
      certifyFully(
        { ...parts, ...(limits.maxPositions !== undefined && { maxPositions: limits.maxPositions }) },
        context
      ),
    unembed: async (residual, context) => {
      context.signal.throwIfAborted();
      if (unembedding === undefined) {
        throw new Error(`unembedding missing: '${facts.label}' has none after the tower '${tower.name}'`);
      }
      const prefix = anatomy.towers.length > 1 ? `${tower.name}.` : 'model';
      refuseUnproven(certificate, prefix, facts.label);
      return unembedding.run(residual);
    },
    ...(way && { way }),
    classes: parts.classes,
    classify: async (residual, context) => {
      context.signal.throwIfAborted();
      return (await classifier.prepared()).run(residual);
    },
    room: parts.room,
    close: async () => {
      await classifier.release();
      await Promise.all([session.release(), intervened.release(), parts.pieces.release(), edges.release()]);
      await Promise.all([...unembeddings.values()].map(unembedding => unembedding.release()));
    }
  };
  return subject;
};

type Limits = Parameters<typeof readInput>[2];

const limitsOf = ({ contextLength, decoderStart }: SubjectParts, tower: Tower): Limits => ({
  vocabularySize: tower.content ? undefined : (tower.embedding?.rows ?? tower.dVocab ?? undefined),
  maxPositions: shorter(tower.maxPositions ?? undefined, contextLength),
  ...(tower.states !== undefined && { start: decoderStart ?? null })
});

/** The subject whose rows are those of the tower that looks. */
const lookingSubject = (whole: SubjectParts, subject: Subject): Subject => {
  const tower = whole.anatomy.towers.find(({ content }) => content)!;
  return subject.tower.content || !readApart(whole.anatomy)
    ? subject
    : createSubject({ ...whole, reading: apartReading(whole.anatomy, whole.inputs, tower) });
};

/** Rows are `tower`'s ids, what is given for the other tower stays. */
const readingOf = (parts: SubjectParts, { tower: name, other }: ReadingRequest): Reading => {
  const { anatomy, inputs, tokens, facts } = parts;
  const tower = anatomy.towers.find(one => one.name === name);
  const beside = anatomy.towers.find(one => one.name !== name);
  if (!tower || !beside) {
    const names = anatomy.towers.map(one => `'${one.name}'`).join(', ');
    throw new Error(`tower unknown: '${name}' is not a tower of '${facts.label}' (towers: ${names})`);
  }
  if (readApart(anatomy) && other === undefined) {
    return apartReading(anatomy, inputs, tower);
  }
  if (other === undefined || (beside.content && other.text !== undefined)) {
    throw new Error(
      `input differs: '${beside.name}' of '${facts.label}' ${beside.content ? 'reads numbers, no text' : 'reads ids, which are not given'}`
    );
  }
  return otherReading(anatomy, inputs, tower, [readInput(other, tokens, limitsOf(parts, beside), facts).ids]);
};

/** Every session reads rows as this subject does. */
const readAs = (parts: SubjectParts): SubjectParts => {
  const { inputs } = parts.reading;
  const { session, intervened, makeSession, shuffle } = parts;
  return {
    ...parts,
    inputs,
    session: session.reading(inputs),
    intervened: readingSessions(intervened, inputs),
    makeSession: async model => (await makeSession(model)).reading(inputs),
    shuffle: async (seed, context) => {
      const made = await shuffle(seed, context);
      return { ...made, session: made.session.reading(inputs), intervened: readingSessions(made.intervened, inputs) };
    }
  };
};

const readingSessions = (sessions: IntervenedSessions, inputs: readonly Feedable[]): IntervenedSessions => ({
  ...sessions,
  use: (sites, work) => sessions.use(sites, made => work({ ...made, session: made.session.reading(inputs) }))
});

/** Ids, or places, tell nothing of the pixels or embeddings that a model reads. */
const refuseIds = (
  { inputs, facts, reading }: Pick<SubjectParts, 'inputs' | 'facts' | 'reading'>,
  feeds: ForwardRequest['feeds'] = {}
): void => {
  // A decoder's rows are ids, what its encoder reads is none.
  const input = inputs.find(one => isContent(one) && (one.own === undefined || reading.tower.states !== undefined));
  if (input && feeds[input.name] === undefined) {
    throw new Error(
      `input differs: '${facts.label}' reads '${input.name}' [${input.shape.join(', ')}] (${input.role}) instead of ids, so give it as a tensor${input.role === 'pixels' ? ' or an image' : ''}`
    );
  }
};

/** Work that is fed by ids alone. */
const guarded =
  <A extends readonly unknown[], R>(parts: SubjectParts, work: (...given: A) => Promise<R>) =>
  async (...given: A): Promise<R> => {
    refuseIds(parts);
    return work(...given);
  };

const checkedForward =
  (parts: SubjectParts, limits: Limits): Subject['forward'] =>
  async (request, context) => {
    refuseIds(parts, request.feeds);
    request.ids.forEach(ids => readInput({ ids }, undefined, limits, parts.facts));
    return forward(parts, request, context);
  };

const shuffled = (parts: SubjectParts, made: ShuffledParts, tower: Tower, limits: Limits): ShuffledModel => ({
  forward: checkedForward({ ...parts, ...made }, limits),
  weights: async context => {
    const { model, weights } = await made.again(context);
    return modelWeights({ ...parts, tower, read: matrixReader(model, weights), label: parts.facts.label });
  },
  release: async () => {
    await Promise.all([made.session.release(), made.intervened.release()]);
  }
});

/** Prepared when it is first asked for. */
function classifierOf(
  { prepare, model, anatomy, inputs, batches }: SubjectParts,
  tower: Tower
): { prepared(): Promise<Unembedding>; release(): Promise<void> } {
  let made: Promise<Unembedding> | undefined;
  return {
    prepared: () => (made ??= prepareUnembedding(prepare, model, anatomy, tower, inputs, batches)),
    release: async () => (await made?.catch(() => undefined))?.release()
  };
}

/** The unembedding alone must have given the logits. */
const refuseUnproven = ({ identities }: Certificate, at: string, label: string): void => {
  const failed = identities.find(({ name, fails }) => name === 'head-reproduces-logits' && fails?.includes(at));
  if (failed) {
    throw new Error(
      `unembedding unproven: the one of '${label}' does not give its logits (identity '${failed.name}' is off by ${failed.error})`
    );
  }
};

const cost = (parts: SubjectParts, request: ForwardRequest): Cost => {
  const { hooks, outputs } = resolve(parts, request);
  const sizes = sizesOf(request, parts.inputs);
  const batch = mainInput(parts.inputs)?.shape[0] ?? 'batch';
  const plan = planOf(parts, request);
  const bytes = [
    ...[...hooks.values()].map(hook => hookBytes(hook, sizes)),
    ...outputs.map(name => outputBytes(outputType(parts.model, name), sizes, batch)),
    plan?.bytes ?? 0
  ];
  const length = Math.max(1, sizes.length);
  const alone = parts.session.alone(sizes.rows, length, request.feeds, fetchesOf(hooks, outputs));
  const made = (plan && !parts.intervened.holds(plan.sites) ? 1 : 0) + (alone ? 1 : 0);
  const each = parts.time.each();
  return {
    forwards: parts.session.plan(sizes.rows, length, request.feeds).length,
    ...(each !== undefined && { seconds: (sizes.rows * length * each) / 1000 }),
    bytes: bytes.reduce((sum, count) => sum + count, 0),
    ...((plan || alone) && { session: made * weightBytes(parts.facts) })
  };
};

const outputType = (model: Model, name: string) => model.graph.outputs.find(output => output.name === name)?.type;

const forward = async (parts: SubjectParts, request: ForwardRequest, context: Context): Promise<Cache> => {
  const { hooks, outputs } = resolve(parts, request);
  const needs = (output: string, input: string): boolean => inputsOf(parts.model.graph, output).has(input);
  refuseUnread(parts.reading, hooks.values(), outputs, request.feeds, parts.facts.label, needs);
  refuseOtherRows(parts.inputs, hooks.values(), request.feeds, request.ids.length);
  const inputs = givenSequences(parts.inputs, request.feeds, parts.facts.label);
  if (request.feeds && request.ids.length > 0) {
    checkFeeds(inputs, request.feeds, request.ids);
  }
  const chunks = await run(parts, inputs, request, fetchesOf(hooks, outputs), context);
  const [{ length }] = request.ids;
  // What two towers give together has rows of both.
  const joint = chunks.rows.length === 1 && inputs.some(({ name, own }) => own && request.feeds?.[name]);
  const tensors = new Map<string, Tensor>(
    outputs.map(name => [name, joint ? chunks.tensors[name][0] : outputValues(name, chunks)])
  );
  const quiet: Context = { signal: context.signal, progress: () => undefined };
  await refuseNaN(tensors, { ...parts, sizes: sizesOf(request, inputs) }, async some => {
    const sources = [...new Set(some.map(({ source }) => source.tensor))];
    const again = await run(parts, inputs, request, sources, quiet);
    return some.map(hook => hookValues(hook, again, length));
  });
  hooks.forEach((hook, name) => tensors.set(name, hookValues(hook, chunks, length)));
  return createCache(tensors);
};

const fetchesOf = (hooks: ReadonlyMap<string, ServedHook>, outputs: readonly string[]): readonly string[] => [
  ...new Set([...outputs, ...[...hooks.values()].map(({ source }) => source.tensor)])
];

const run = (
  parts: SubjectParts,
  inputs: readonly Feedable[],
  { ids, feeds, interventions }: ForwardRequest,
  fetches: readonly string[],
  context: Context
): Promise<Chunks> => {
  const { session, intervened } = parts;
  const plan = planOf({ ...parts, inputs }, { ids, interventions });
  if (plan === undefined) {
    return session.reading(inputs).run(ids, fetches, feeds, context);
  }
  return intervened.use(plan.sites, made =>
    made.session.reading(inputs).run(ids, fetches, feeds, context, plan.feeds(made.sites))
  );
};

const sizesOf = ({ ids }: Pick<ForwardRequest, 'ids'>, inputs: readonly Feedable[]): RequestSizes => ({
  rows: ids.length,
  length: ids[0]?.length ?? 0,
  lengths: ownLengths(inputs)
});

/** undefined where nothing is changed. */
const planOf = (
  { anatomy, inputs }: SubjectParts,
  { ids, interventions }: Pick<ForwardRequest, 'ids' | 'interventions'>
): InterventionPlan | undefined =>
  interventions === undefined || (interventions.list.length === 0 && interventions.wiring === undefined)
    ? undefined
    : planInterventions(anatomy, interventions, sizesOf({ ids }, inputs));

/** Hooks by the names asked for, and outputs; refuses what is not there, before anything runs. */
const resolve = (
  { anatomy, model, inputs }: SubjectParts,
  { hooks, outputs = [], allowUnverified = false, feeds = {} }: ForwardRequest
): { hooks: ReadonlyMap<string, ServedHook>; outputs: readonly string[] } => {
  refuseUnknown(
    'output',
    outputs,
    model.graph.outputs.map(({ name }) => name)
  );
  refuseUnknown(
    'input',
    Object.keys(feeds),
    inputs.map(({ name }) => name)
  );
  const past = inputs.some(({ name, role }) => role === 'past' && feeds[name]?.data.length > 0);
  const found = hooks.map(name => servedHook(anatomy, name, allowUnverified));
  return { hooks: new Map(hooks.map((name, at) => [name, past ? withCached(found[at]) : found[at]])), outputs };
};

/** Keys and values of a past that is fed are shown before the run's own. */
const withCached = ({ cached, ...hook }: ServedHook): ServedHook => ({
  ...hook,
  ...(cached && { source: cached })
});

const refuseUnknown = (kind: 'input' | 'output', names: readonly string[], known: readonly string[]): void => {
  const unknown = names.find(name => !known.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, known) || ` (${kind}s: ${known.slice(0, 8).join(', ')})`;
    throw new Error(`${kind} unknown: '${unknown}' is not an ${kind} of this model${near}`);
  }
};
