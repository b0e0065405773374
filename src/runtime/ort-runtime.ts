import type { InferenceSession, TensorConstructor } from 'onnxruntime-common';

import { externalise, referToFiles } from '../onnx/externalise';
import { joinBytes } from '../onnx/join-bytes';
import type { Model } from '../onnx/model';
import type { Tensor } from '../onnx/tensor';
import type { Weights } from '../onnx/weights';
import { writeModel } from '../onnx/write-model';
import { asWritten } from './as-written';
import { fromOrt, toOrt } from './ort-tensor';
import { plainReason } from './plain-reason';
import { createQueue, type Queue } from './queue';
import type { Prepared, Room, Runtime } from './runtime';

/** What both packages of ONNX Runtime share. */
export interface Ort {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: TensorConstructor;
}

export interface OrtSettings {
  readonly name: Runtime['name'];
  readonly version: string;
  readonly options: InferenceSession.SessionOptions;
  /** Weights that stay in their files are mapped from there. */
  readonly maps?: boolean;
  /** Absent: one. */
  readonly threads?: number;
  /** `held`: bytes of the weights of the sessions that are not released. */
  readonly room: (held: number) => Room;
}

/**
 * A runtime on one of ONNX Runtime's packages. Runs, and preparations, are serialised: the wasm module
 * cannot do two at once. Errors: 'cannot prepare …', 'feed unknown …', 'fetch unknown …', 'run failed …'.
 */
export const ortRuntime = (ort: Ort, settings: OrtSettings): Runtime => {
  const { name, version, threads = 1, room } = settings;
  const queue = createQueue();
  let held = 0;
  const hold = (bytes: number): void => {
    held += bytes;
  };
  return {
    name,
    version,
    threads,
    prepare: (model, weights) => queue(() => prepare(ort, settings, queue, hold, model, weights)),
    room: () => room(held)
  };
};

const prepare = async (
  ort: Ort,
  { options, maps }: OrtSettings,
  queue: Queue,
  hold: (bytes: number) => void,
  model: Model,
  weights: Weights
): Promise<Prepared> => {
  const graph = model.graph.name;
  const { graphOptimizationLevel, session: exact, optimization } = asWritten(model);
  const { model: small, files, folder } = (maps ? referToFiles : externalise)(model, weights);
  const session = await ort.InferenceSession.create(joinBytes(writeModel(small)), {
    graphOptimizationLevel,
    // Each session's arena keeps the largest run's memory: 400 MB for the pieces of a 124 M model, and no run is slower without.
    enableCpuMemArena: false,
    ...options,
    extra: {
      optimization,
      session: {
        ...exact,
        ...(folder !== undefined && { model_external_initializers_file_folder_path: folder }),
        ...(options.extra?.session as Readonly<Record<string, unknown>> | undefined)
      }
    },
    externalData: files
  }).catch((error: unknown) => {
    throw new Error(`cannot prepare graph '${graph}': ${plainReason(error)}`, { cause: error });
  });
  const bytes = heldBytes(small);
  hold(bytes);
  let released = false;
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: (feeds, fetches) =>
      queue(() => {
        if (released) {
          throw new Error(`graph released: '${graph}' cannot run any more`);
        }
        return run(ort, session, graph, feeds, fetches);
      }),
    release: () =>
      queue(async () => {
        if (!released) {
          released = true;
          await session.release();
          hold(-bytes);
        }
      })
  };
};

/** Of the weights that a session copies from the store. */
const heldBytes = ({ graph }: Model): number =>
  graph.initializers.reduce((sum, { data }) => {
    const length = data.kind === 'external' ? data.entries.find(({ key }) => key === 'length')?.value : undefined;
    return sum + Number(length ?? 0);
  }, 0);

const run = async (
  ort: Ort,
  session: InferenceSession,
  graph: string,
  feeds: Readonly<Record<string, Tensor>>,
  fetches: readonly string[]
): Promise<Record<string, Tensor>> => {
  checkNames(session, graph, feeds, fetches);
  if (fetches.length === 0) {
    return {};
  }
  const given = Object.entries(feeds).map(([name, tensor]) => [name, toOrt(ort.Tensor, name, tensor)] as const);
  const results = await session.run(Object.fromEntries(given), [...fetches]).catch((error: unknown) => {
    throw new Error(`run failed in graph '${graph}': ${plainReason(error)}`, { cause: error });
  });
  return Object.fromEntries(fetches.map(name => [name, fromOrt(name, results[name])]));
};

const checkNames = (
  session: InferenceSession,
  graph: string,
  feeds: Readonly<Record<string, Tensor>>,
  fetches: readonly string[]
): void => {
  const unknownFeed = Object.keys(feeds).find(name => !session.inputNames.includes(name));
  if (unknownFeed !== undefined) {
    throw new Error(`feed unknown: '${unknownFeed}' is not an input of graph '${graph}'`);
  }
  const missing = session.inputNames.find(name => !Object.hasOwn(feeds, name));
  if (missing !== undefined) {
    throw new Error(`feed missing: input '${missing}' of graph '${graph}' got no tensor`);
  }
  const unknownFetch = fetches.find(name => !session.outputNames.includes(name));
  if (unknownFetch !== undefined) {
    throw new Error(`fetch unknown: '${unknownFetch}' is not an output of graph '${graph}'`);
  }
};
