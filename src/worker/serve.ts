import { noTokenizer } from '../analyses/no-tokenizer';
import { analyses, findAnalysis } from '../analyses';
import { reckoning, seeing } from '../analyses/seen';
import { validateSpec } from '../analyses/spec/validate-spec';
import { singularValues } from '../analyses/weights/singular-values';
import type { Context } from '../subject/context';
import { nextTokens } from '../subject/generate/next-tokens';
import { needsOf, refuseWithoutRoom } from '../subject/refuse-without-room';
import type { Subject } from '../subject/subject';
import type { Answer, ModelSource, NamedSource, OpenedModel, Request, RuntimeAssets } from './protocol';

/** What the worker's entry gives: how a model is opened, how answers are sent, how large the heap is. */
export interface Server {
  open(source: ModelSource, assets: RuntimeAssets, context: Context): Promise<Subject>;
  /** The bytes of the one file of a source. */
  read(source: ModelSource, signal: AbortSignal): Promise<Uint8Array>;
  decode?: Context['decode'];
  send(answer: Answer): void;
  heapBytes(): number;
}

type Work = Exclude<Request, { type: 'cancel' }>;

/** Answered while something runs: they read the open model and run nothing. */
const QUICK: ReadonlySet<Request['type']> = new Set(['encode', 'describe', 'nodes', 'initialisers'] as const);

/** One model's worker: requests are done one after the other, and can be cancelled while they wait or run. */
export function serve({ open, read, decode, send, heapBytes }: Server): (request: Request) => void {
  const controllers = new Map<number, AbortController>();
  let subject: Subject | undefined;
  let runtime: RuntimeAssets | undefined;
  let last: Promise<void> = Promise.resolve();
  /** Requests that are not done, the one that runs included. */
  let waiting = 0;

  const opened = (): Subject => {
    if (!subject) {
      throw new Error('model not open: nothing can run before it is');
    }
    return subject;
  };

  const jobs: {
    readonly [T in Work['type']]: (request: Extract<Work, { type: T }>, context: Context) => Promise<Answer>;
  } = {
    open: async ({ id, source, assets }, context) => {
      runtime = assets;
      subject = await open(source, assets, { ...context, outline: outline => send({ type: 'outline', id, outline }) });
      return { type: 'opened', id, model: describe(subject, heapBytes()) };
    },
    cost: async ({ id, analysis, spec }) => {
      const found = findAnalysis(analysis);
      const checked = validateSpec(found, spec);
      return { type: 'cost', id, cost: found.cost(reckoning(opened(), checked), checked) };
    },
    encode: async ({ id, text }) => {
      const { tokens, facts } = opened();
      if (!tokens) {
        throw new Error(`no tokenizer: ${noTokenizer(facts)}`);
      }
      return { type: 'encode', id, tokens: tokens.encode(text).tokens };
    },
    next: async ({ id, ask }, context) => ({ type: 'next', id, next: await nextTokens(opened(), ask, context) }),
    describe: async ({ id, names }) => {
      const { tensors } = opened();
      return { type: 'describe', id, tensors: names.flatMap(name => tensors.describe(name) ?? []) };
    },
    nodes: async ({ id, span, most }) => ({ type: 'nodes', id, list: opened().tensors.nodes(span, most) }),
    'singular-values': async ({ id, weight, layer }, { signal }) => ({
      type: 'singular-values',
      id,
      found: await singularValues(opened(), weight, layer, signal)
    }),
    initialisers: async ({ id, most }) => ({ type: 'initialisers', id, list: opened().tensors.initialisers(most) }),
    run: async ({ id, analysis, spec, seed, earlier, others, seen }, { signal, progress }) => {
      const found = findAnalysis(analysis);
      const refusal = found.refuses(opened());
      if (refusal !== undefined) {
        throw new Error(`${found.id} is not possible on '${opened().facts.label}': ${refusal}`);
      }
      const checked = validateSpec(found, spec);
      const cost = found.cost(reckoning(opened(), checked), checked);
      refuseWithoutRoom(`'${found.id}'`, needsOf(cost), opened().room());
      const started = performance.now();
      const context: Context = {
        signal,
        progress,
        partial: result => send({ type: 'partial', id, result }),
        ...(earlier !== undefined && { earlier: found.validateResult(earlier) }),
        ...(others && runtime && { open: path => open(sourceOf(others, path), runtime!, { signal, progress }) }),
        ...(seen && { read: () => read(seen, signal), ...(decode && { decode }) })
      };
      const result = await found.compute(await seeing(opened(), checked, context), checked, context, seed);
      const seconds = (performance.now() - started) / 1000;
      return { type: 'result', id, result, seconds, heapBytes: heapBytes() };
    }
  };

  const work = async (request: Work, controller: AbortController): Promise<void> => {
    const { id } = request;
    const context: Context = {
      signal: controller.signal,
      progress: progress => send({ type: 'progress', id, progress })
    };
    try {
      controller.signal.throwIfAborted();
      const job = jobs[request.type] as (request: Work, context: Context) => Promise<Answer>;
      send(await job(request, context));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      send({ type: 'error', id, message, cancelled: controller.signal.aborted });
    } finally {
      controllers.delete(id);
    }
  };

  return request => {
    if (request.type === 'cancel') {
      controllers.get(request.id)?.abort();
      return;
    }
    const controller = new AbortController();
    controllers.set(request.id, controller);
    if (subject && QUICK.has(request.type)) {
      void work(request, controller);
    } else {
      if (waiting > 0) {
        send({ type: 'progress', id: request.id, progress: { done: 0, total: 0, label: turnWords(waiting) } });
      }
      waiting++;
      last = last.then(() => work(request, controller)).finally(() => waiting--);
    }
  };
}

const turnWords = (before: number): string =>
  before === 1 ? 'waiting for what runs before it' : `waiting for the ${before} before it`;

function describe(subject: Subject, heapBytes: number): OpenedModel {
  const { facts, anatomy, certificate, tokens } = subject;
  const refusals = analyses.flatMap(analysis => {
    const why = analysis.refuses(subject);
    return why === undefined ? [] : [[analysis.id, why] as const];
  });
  return { facts, anatomy, certificate, hasTokens: !!tokens, heapBytes, refusals: Object.fromEntries(refusals) };
}

/** Throws for a path that was not asked for with the run. */
function sourceOf(others: readonly NamedSource[], path: string): ModelSource {
  const found = others.find(other => other.path === path);
  if (!found) {
    throw new Error(`other model not opened: the files of '${path}' were not given`);
  }
  return found.source;
}
