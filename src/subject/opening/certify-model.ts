import type { Anatomy, Tower } from '../../anatomy/anatomy';
import type { Captured } from '../../anatomy/certificate/captured';
import type { Certificate } from '../../anatomy/certificate/certificate';
import { certify } from '../../anatomy/certificate/certify';
import { applyCertificate } from '../../anatomy/certificate/judge-hooks';
import { comparedOutputs, probe } from '../../anatomy/certificate/probe';
import { samplingOf, type Sampling } from '../../anatomy/certificate/sampling';
import type { Model } from '../../onnx/model';
import type { Tensor } from '../../onnx/tensor';
import type { Weights } from '../../onnx/weights';
import type { Context } from '../context';
import { contentFeeds, type Feedable } from '../inputs/feeds';
import { servedHook, type ServedHook } from '../hook-names';
import { orRefuse } from './or-refuse';
import { sampleHooks } from './sample-hooks';
import { hookValues } from '../hook-values';
import type { Chunks, Session } from '../session';
import type { Unembedding } from '../unembedding';

export interface CertifyParts {
  readonly model: Model;
  readonly weights: Weights;
  readonly anatomy: Anatomy;
  readonly inputs: readonly Feedable[];
  /** The file's graph as it is; released here, before `observed` is made, so that weights are held once. */
  readonly bare: () => Promise<Session>;
  readonly observed: () => Promise<Session>;
  /** Of any edit of it. */
  readonly prepare: (model: Model) => Promise<Session>;
  /** Of each tower that has one. */
  readonly unembeddings: ReadonlyMap<Tower, Unembedding>;
  /** The number of positions, where the file fixes it. */
  readonly length: number | undefined;
}

export interface Certified {
  readonly certificate: Certificate;
  readonly anatomy: Anatomy;
  /** The instrumented session, for the runs to come. */
  readonly session: Session;
}

/** Runs the probe on the bare and on the instrumented model, and the unembedding on the stream: three forwards. */
export const certifyModel = async (parts: CertifyParts, context: Context): Promise<Certified> => {
  const { model, weights, anatomy, unembeddings } = parts;
  const { ids: short, others, hooks: names } = probe(anatomy);
  const outputs = comparedOutputs(model);
  const ids = short.map(row => fitLength(row, parts.length));
  const step = stepper(context, 4);
  const bare = await runBare(parts.bare, ids, outputs, step('running the file as it is'));
  const hooks = names.map(name => servedHook(anatomy, name, true));
  const sampling = samplingOf(anatomy);
  const running = step('running it with its hooks');
  const seen = sampling && (await runSampled(parts, hooks, { ids, outputs, sampling }, running));
  const session = await parts.observed();
  const { chunks, values } = seen ?? (await runHooks(session, hooks, ids, outputs, running));
  const captured: Captured = {
    fed: contentFeeds(parts.inputs, ids),
    hooks: values,
    bare,
    observed: outputsOf(outputs, chunks),
    suffix: await runUnembeddings(anatomy, unembeddings, values, step('running the unembedding'))
  };
  step('checking identities');
  const forwards = 1 + (outputs.length > 0 ? 1 : 0) + (unembeddings.size > 0 ? 1 : 0);
  const certificate = certify({
    anatomy,
    model,
    weights,
    captured,
    probe: ids,
    others,
    forwards,
    ...(sampling && { sampling })
  });
  return { certificate, anatomy: applyCertificate(anatomy, certificate), session };
};

interface Ran {
  readonly chunks: Chunks;
  /** Of the hooks, by their names. */
  readonly values: ReadonlyMap<string, Tensor>;
}

const runHooks = async (
  session: Session,
  hooks: readonly ServedHook[],
  ids: Rows,
  outputs: readonly string[],
  context: Context
): Promise<Ran> => {
  const fetches = [...new Set([...outputs, ...hooks.map(({ source }) => source.tensor)])];
  const chunks = await session.run(ids, fetches, undefined, context);
  return { chunks, values: new Map(hooks.map(hook => [hook.name, hookValues(hook, chunks, ids[0].length)])) };
};

/** In a session of its own, whose outputs are the hooks' rows at the sampled places. */
const runSampled = async (
  { model, anatomy, prepare }: CertifyParts,
  hooks: readonly ServedHook[],
  { ids, outputs, sampling }: { readonly ids: Rows; readonly outputs: readonly string[]; readonly sampling: Sampling },
  context: Context
): Promise<Ran> => {
  const sampled = sampleHooks(model, anatomy, hooks, sampling);
  const session = await prepare(sampled.model);
  try {
    return await runHooks(session, sampled.hooks, ids, outputs, context);
  } finally {
    await session.release();
  }
};

type Rows = readonly (readonly number[])[];

/** Each step of the certificate is one of `total`; the runs inside report nothing of their own. */
const stepper = (context: Context, total: number): ((label: string) => Context) => {
  let done = 0;
  return label => {
    context.signal.throwIfAborted();
    context.progress({ done: done++, total, label });
    return { signal: context.signal, progress: () => undefined };
  };
};

/** Repeats or cuts the probe where the file takes one length only. */
const fitLength = (row: readonly number[], length: number | undefined): readonly number[] =>
  Array.from({ length: length ?? row.length }, (_, at) => row[at % row.length]);

/** The file as it is, before it is released. */
const runBare = async (
  prepare: () => Promise<Session>,
  ids: readonly (readonly number[])[],
  outputs: readonly string[],
  context: Context
): Promise<ReadonlyMap<string, Tensor>> => {
  if (outputs.length === 0) {
    return new Map();
  }
  const session = await prepare();
  try {
    const chunks = await orRefuse(() => session.run(ids, outputs, undefined, context), ids.length, ids[0].length);
    return outputsOf(outputs, chunks);
  } finally {
    await session.release();
  }
};

/** All rows of each output one after another, whichever of its axes is the batch. */
const outputsOf = (names: readonly string[], { tensors }: Chunks): ReadonlyMap<string, Tensor> =>
  new Map(names.map(name => [name, inSequence(tensors[name])]));

const inSequence = (chunks: readonly Tensor[]): Tensor => {
  if (chunks.length === 1) {
    return chunks[0];
  }
  const [{ type, data: first }] = chunks;
  const length = chunks.reduce((sum, { data }) => sum + data.length, 0);
  const data = new (first.constructor as new (length: number) => typeof first)(length);
  chunks.reduce((at, chunk) => {
    (data as Float32Array).set(chunk.data as Float32Array, at);
    return at + chunk.data.length;
  }, 0);
  return { dims: [length], type, data };
};

const runUnembeddings = async (
  anatomy: Anatomy,
  unembeddings: ReadonlyMap<Tower, Unembedding>,
  hooks: ReadonlyMap<string, Tensor>,
  { signal }: Context
): Promise<ReadonlyMap<string, Tensor>> => {
  const logits = new Map<string, Tensor>();
  for (const [{ name, head }, unembedding] of unembeddings) {
    signal.throwIfAborted();
    const residual = head && hooks.get(anatomy.towers.length > 1 ? `${name}.${head.hook}` : head.hook);
    if (residual) {
      logits.set(head.logits, await unembedding.run(residual));
    }
  }
  return logits;
};
