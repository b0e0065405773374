import type { Anatomy, Tower } from '../../anatomy/anatomy';
import { probe } from '../../anatomy/certificate/probe';
import { towerInput } from '../../anatomy/certificate/row-input';
import { chooseBranch } from '../../graph/decompose/choose-branch';
import { decompose } from '../../graph/decompose/decompose';
import { integerRows } from '../../graph/decompose/integer-rows';
import { joinHeads } from '../../graph/decompose/join-heads';
import { numberTwins } from '../../graph/decompose/number-twins';
import { sharedHeads } from '../../graph/decompose/shared-heads';
import { elementCount } from '../../onnx/element-type';
import type { Model } from '../../onnx/model';
import type { Prepared, Runtime } from '../../runtime/runtime';
import { intervene } from '../../surgery/intervene';
import { observe } from '../../surgery/observe';
import { certifyModel, type Certified } from './certify-model';
import type { Context } from '../context';
import { hookBytes } from '../cost';
import { pinContent } from '../inputs/content-sizes';
import { createSubject } from '../create-subject';
import { modelFacts, weightBytes } from './facts';
import { feedables, mainInput, readingInputs, type Feedable } from '../inputs/feeds';
import type { ModelFiles } from './files';
import { intervenedSessions, type IntervenedSessions } from '../interventions/intervened-sessions';
import { recogniseBySizes } from './observe-sizes';
import { outlineModel } from './outline-model';
import { readFiles, type ReadFiles } from './read-files';
import { firstReading } from '../inputs/reading';
import { classLabels } from './class-labels';
import { refuseWithoutRoom } from '../refuse-without-room';
import { createSession, type Session } from '../session';
import { createPieceHolder } from '../sweeps/piece-holder';
import { shuffleWeights } from '../weights/shuffle-weights';
import type { Subject } from '../subject';
import { tokenTime, type TokenTime } from '../token-time';
import { prepareUnembedding, type Unembedding } from '../unembedding';

/**
 * Reads a model, names its parts, and checks them by running it (the quick certificate). Errors are one sentence: no model
 * in the folder, a file that is not ONNX or cut off, external data missing or too short, a graph without attention, an
 * input that is not understood, a broken tokenizer. Without a tokenizer, ids are the input. Fused operators are taken apart
 * first; the certificate compares the logits with those of the file as it is.
 */
export const openModel = async (files: ModelFiles, runtime: Runtime, context: Context): Promise<Subject> => {
  if (context.outline) {
    const outline = await outlineModel(files, context.signal);
    if (outline) {
      context.outline(outline);
    }
  }
  const file = await readFiles(files, context);
  context.progress({ done: 0, total: 1, label: 'recognising the graph' });
  const { model: sized, sizes } = pinContent(file.model, file, files.dims);
  const { asFiled, model: chosen } = chooseBranch(sized);
  const { model: apart, refused } = decompose(numberTwins(chosen), file.weights);
  const model = joinHeads(sharedHeads(integerRows(apart)), file.weights);
  const read = { ...file, model };
  const anatomy = refuseEmpty(await recogniseBySizes(model, read.weights, runtime), refused, read.file);
  const given = feedables(anatomy.inputs);
  const inputs = readingInputs(given, towerInput(anatomy.towers[0]), probe(anatomy).others);
  const unembeddings = await prepareUnembeddings(runtime, read, anatomy, inputs);
  const time = tokenTime();
  const prepare = sessions(runtime, read, inputs, anatomy, time);
  const certified = await certify(prepare, asFiled, read, anatomy, inputs, unembeddings, context);
  const facts = modelFacts({ label: files.label, runtime, ...file });
  /** Sessions that hold the weights once more are refused where these do not fit, before they are made. */
  const spacious = async <T>(what: string, make: () => Promise<T>): Promise<T> => {
    const needs = [{ bytes: weightBytes(facts), what: 'for the weights once more' }];
    refuseWithoutRoom(`a session for ${what}`, needs, runtime.room());
    return make();
  };
  return createSubject({
    facts,
    model,
    weights: read.weights,
    prepare: edited => runtime.prepare(edited, read.weights),
    makeSession: edited => spacious('changed edges', () => prepare(observeAll(edited, certified.anatomy))),
    batches: batchesOf(model),
    anatomy: certified.anatomy,
    certificate: certified.certificate,
    inputs: given,
    reading: firstReading(certified.anatomy, given, read.decoderStart),
    session: certified.session,
    intervened: intervenedOn(
      model,
      certified.anatomy,
      edited => spacious('interventions', () => prepare(edited)),
      weightBytes(facts)
    ),
    shuffle: async (seed, shuffling) => {
      const shuffled = await shuffleWeights(read, certified.anatomy.towers, seed, shuffling);
      const prepareShuffled = sessions(runtime, { ...read, ...shuffled }, inputs, anatomy, time);
      return {
        session: await prepareShuffled(observeAll(shuffled.model, certified.anatomy)),
        intervened: intervenedOn(shuffled.model, certified.anatomy, prepareShuffled, weightBytes(facts)),
        again: later => shuffleWeights(read, certified.anatomy.towers, seed, later)
      };
    },
    unembeddings,
    classes: classLabels(read.config),
    ...(sizes && { sizes }),
    preprocessor: file.preprocessor,
    room: () => runtime.room(),
    pieces: createPieceHolder(),
    time,
    ...(read.tokens && { tokens: read.tokens }),
    ...(read.contextLength !== undefined && { contextLength: read.contextLength }),
    ...(read.decoderStart !== undefined && { decoderStart: read.decoderStart })
  });
};

/** An operator that was not taken apart is the nearer cause. */
const refuseEmpty = (anatomy: Anatomy, refused: readonly string[], file: string): Anatomy => {
  if (anatomy.towers.length > 0) {
    return anatomy;
  }
  const [first, ...more] = refused.length > 0 ? refused : anatomy.refusals.map(({ why, at }) => `${why} (at ${at})`);
  const why = first ?? 'its sizes were not found';
  throw new Error(`model refused: '${file}': ${why}${more.length > 0 ? `, and ${more.length} more of the kind` : ''}`);
};

const prepareUnembeddings = async (
  runtime: Runtime,
  read: ReadFiles,
  anatomy: Anatomy,
  inputs: readonly Feedable[]
): Promise<ReadonlyMap<Tower, Unembedding>> => {
  const prepared = new Map<Tower, Unembedding>();
  const prepare = (model: Model): Promise<Prepared> => runtime.prepare(model, read.weights);
  for (const tower of anatomy.towers.filter(({ head }) => head !== undefined)) {
    prepared.set(tower, await prepareUnembedding(prepare, read.model, anatomy, tower, inputs, batchesOf(read.model)));
  }
  return prepared;
};

/**
 * Operators that do not take several rows as they take each alone: one scale for a whole tensor of activations, so that rows
 * change one another; RotaryEmbedding with positions of one row for all, as files have it, fails in ONNX Runtime 1.30.
 */
const ROW_BY_ROW: ReadonlySet<string> = new Set([
  'DynamicQuantizeLinear',
  'DynamicQuantizeMatMul',
  'QAttention',
  'RotaryEmbedding'
]);

const batchesOf = ({ graph }: Model): boolean => !graph.nodes.some(({ opType }) => ROW_BY_ROW.has(opType));

type Prepare = (model: Model) => Promise<Session>;

/** Makes sessions of the file's graph, or of edits of it, on the same weights. */
const sessions = (
  runtime: Runtime,
  { model, weights }: Pick<ReadFiles, 'model' | 'weights'>,
  inputs: readonly Feedable[],
  { hooks }: Anatomy,
  time: TokenTime
): Prepare => {
  const chunkTokens = tokensOfChunk(model);
  const byTensor = new Map(hooks.flatMap(hook => (hook.source ? [[hook.source.tensor, hook] as const] : [])));
  return async edited =>
    createSession({
      prepared: await runtime.prepare(edited, weights),
      inputs,
      batches: batchesOf(edited),
      chunkTokens,
      time,
      lean: {
        bytes: (name, sizes) => {
          const hook = byTensor.get(name);
          return hook ? hookBytes(hook, sizes) : 0;
        },
        prepare: outputs => runtime.prepare(withOutputs(edited, outputs), weights)
      }
    });
};

const withOutputs = ({ graph, ...model }: Model, names: readonly string[]): Model => ({
  ...model,
  graph: { ...graph, outputs: graph.outputs.filter(({ name }) => names.includes(name)) }
});

/** With every hook that the graph has as an output. */
const observeAll = (model: Model, anatomy: Anatomy): Model => {
  const served = anatomy.hooks.filter(({ source, status }) => source !== undefined && status !== 'unavailable');
  return observe(
    model,
    anatomy,
    served.map(({ name }) => name)
  ).model;
};

const intervenedOn = (model: Model, anatomy: Anatomy, prepare: Prepare, bytes: number): IntervenedSessions =>
  intervenedSessions(async sites => {
    const made = intervene(model, anatomy, sites);
    return { session: await prepare(observeAll(made.model, anatomy)), sites: made.sites };
  }, bytes);

const certify = (
  prepare: Prepare,
  asFiled: Model,
  { model, weights }: ReadFiles,
  anatomy: Anatomy,
  inputs: readonly Feedable[],
  unembeddings: ReadonlyMap<Tower, Unembedding>,
  context: Context
): Promise<Certified> => {
  const length = mainInput(inputs)?.shape[1];
  return certifyModel(
    {
      model,
      weights,
      anatomy,
      inputs,
      bare: () => prepare(asFiled),
      observed: () => prepare(observeAll(model, anatomy)),
      prepare,
      unembeddings,
      length: typeof length === 'number' ? length : undefined
    },
    context
  );
};

/** A third of a second at WebAssembly's 3·10¹⁰ operations a second: a run cannot hear a cancel. */
const CHUNK_OPERATIONS = 1e10;
const MOST_CHUNK_TOKENS = 1024;

/** A token costs two operations a weight. */
const tokensOfChunk = ({ graph }: Model): number => {
  const weights = graph.initializers.reduce((sum, { dims }) => sum + elementCount(dims), 0);
  return Math.min(MOST_CHUNK_TOKENS, Math.floor(CHUNK_OPERATIONS / (2 * weights)));
};
