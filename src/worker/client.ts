import type { SingularValues } from '../analyses/weights/singular-values';
import type { Progress } from '../subject/context';
import type { NextAsk, NextTokens } from '../subject/generate/next-tokens';
import type { ModelOutline } from '../subject/opening/outline-model';
import type { Cost } from '../subject/subject';
import type { Span, TensorFacts } from '../subject/tensor-facts';
import type { Token } from '../tokens/tokens';
import type {
  Answer,
  Ask,
  InitialiserList,
  ModelSource,
  NamedSource,
  NodeList,
  OpenedModel,
  Request,
  RuntimeAssets,
  RuntimeLimits
} from './protocol';
import type { WorkerPort } from './worker-port';

export interface ClientOptions {
  readonly createWorker: () => WorkerPort;
  readonly assets: RuntimeAssets;
  /** Asked each time the model is opened. */
  readonly limits?: () => RuntimeLimits;
  /** Asked again after the worker was replaced. */
  readonly source: () => Promise<ModelSource>;
  /** After each change of `opened`, `state` or `heapBytes`. */
  readonly onChange: () => void;
}

export interface AskOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** While a model opens: what its graph alone says. */
  readonly onOutline?: (outline: ModelOutline) => void;
}

export interface RunOptions extends AskOptions {
  /** Takes results as far as they are there. */
  readonly onPartial?: (result: unknown) => void;
  /** A partial result of the same model and spec, to go on from. */
  readonly earlier?: unknown;
  /** Finds the files of other models, for an analysis that names some. */
  readonly others?: () => Promise<readonly NamedSource[]>;
  /** Finds the file that the spec names to be looked at. */
  readonly seen?: () => Promise<ModelSource>;
}

export interface RunResult {
  readonly result: unknown;
  readonly seconds: number;
}

/** How WebAssembly and onnxruntime say that an allocation failed. */
const FULL = /bad_alloc|failed to allocate memory|out of memory|cannot enlarge memory/i;

const fullWords = (message: string): string =>
  'memory did not suffice: fewer tokens, layers or prompts take less. The model was closed, which gives its memory ' +
  `back, and opens again with the next run (${message})`;

/** Kinds of requests that are answered in their own kind. */
type Asked = Ask['type'] & Answer['type'];

type Final = Exclude<Answer, { type: 'progress' | 'partial' | 'outline' }>;

interface Pending extends Pick<RunOptions, 'onProgress' | 'onPartial' | 'onOutline'> {
  resolve(answer: Final): void;
  reject(error: Error): void;
}

/** Said of work that was cancelled, so that callers can tell it from a failure. */
export class Cancelled extends Error {
  constructor() {
    super('cancelled');
  }
}

/** The page's end of one model's worker: made on first use, replaced after it died, ended by `close`. */
export class ModelClient {
  constructor(private readonly _options: ClientOptions) {}

  /** What is known of the model once it is open. */
  get opened(): OpenedModel | undefined {
    return this._opened;
  }

  get state(): 'closed' | 'opening' | 'open' {
    return this._opened ? 'open' : this._worker ? 'opening' : 'closed';
  }

  /** Of the worker's wasm heap, as of its last answer. */
  get heapBytes(): number {
    return this._heapBytes;
  }

  /** Opens the model if it is not. One opening serves all who ask; it is cancelled when all of them have. */
  async open(options: AskOptions = {}): Promise<OpenedModel> {
    options.signal?.throwIfAborted();
    if (this._opened) {
      return this._opened;
    }
    const opening = (this._opening ??= this._open());
    // It starts while the files are looked for.
    this._ensureWorker();
    opening.waiting.add(options);
    const leave = (): void => {
      opening.waiting.delete(options);
      if (opening.waiting.size === 0 && this._opening === opening) {
        this._end('nobody waits for the model');
      }
    };
    options.signal?.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([opening.done, rejected(options.signal, () => new Cancelled())]);
    } finally {
      options.signal?.removeEventListener('abort', leave);
      opening.waiting.delete(options);
    }
  }

  async cost(analysis: string, spec: unknown, options: AskOptions = {}): Promise<Cost> {
    return (await this._told({ type: 'cost', analysis, spec }, options)).cost;
  }

  /** Tokens of a text, special ones as the model gets them; throws where there is no tokenizer. */
  async encode(text: string, options: AskOptions = {}): Promise<readonly Token[]> {
    return (await this._told({ type: 'encode', text }, options)).tokens;
  }

  /** What the model takes for the next token of a text; throws where it cannot generate. */
  async next(ask: NextAsk, options: AskOptions = {}): Promise<NextTokens> {
    return (await this._told({ type: 'next', ask }, options)).next;
  }

  /** What the graph says of these tensors; names that it does not have are left out. */
  async describe(names: readonly string[], options: AskOptions = {}): Promise<readonly TensorFacts[]> {
    return (await this._told({ type: 'describe', names }, options)).tensors;
  }

  /** The graph's nodes between tensors, at most `most`. */
  async nodes(span: Span, most: number, options: AskOptions = {}): Promise<NodeList> {
    return (await this._told({ type: 'nodes', span, most }, options)).list;
  }

  /** Of 'W_Q', … of a layer, or of 'W_E', 'W_pos', 'W_U' without one; throws for a map that the model does not have. */
  async singularValues(weight: string, layer: number | undefined, options: AskOptions = {}): Promise<SingularValues> {
    const ask = { type: 'singular-values', weight, ...(layer !== undefined && { layer }) } as const;
    return (await this._told(ask, options)).found;
  }

  /** The largest weights, at most `most`. */
  async initialisers(most: number, options: AskOptions = {}): Promise<InitialiserList> {
    return (await this._told({ type: 'initialisers', most }, options)).list;
  }

  async run(analysis: string, spec: unknown, seed: number, options: RunOptions = {}): Promise<RunResult> {
    await this.open(options);
    const { earlier } = options;
    const [others, seen] = [await options.others?.(), await options.seen?.()];
    const ask: Ask = {
      type: 'run',
      analysis,
      spec,
      seed,
      ...(earlier !== undefined && { earlier }),
      ...(others && { others }),
      ...(seen && { seen })
    };
    const answer = await this._ask(ask, options);
    const { result, seconds, heapBytes } = answer as Extract<Answer, { type: 'result' }>;
    this._heapBytes = heapBytes;
    this._options.onChange();
    return { result, seconds };
  }

  /** Ends the worker, which gives its memory back. What runs is lost. */
  close(): void {
    this._end('the model was closed');
  }

  /** An answer of the request's kind, from the model that is open then. */
  private async _told<T extends Asked>(
    ask: Extract<Ask, { type: T }>,
    options: AskOptions
  ): Promise<Extract<Answer, { type: T }>> {
    await this.open(options);
    return (await this._ask(ask, options)) as Extract<Answer, { type: T }>;
  }

  private _open(): Opening {
    const waiting = new Set<AskOptions>();
    const onProgress = (progress: Progress): void => waiting.forEach(asked => asked.onProgress?.(progress));
    const ended = new AbortController();
    const onOutline = (outline: ModelOutline): void => waiting.forEach(asked => asked.onOutline?.(outline));
    const opening: Opening = { waiting, ended, done: this._load({ onProgress, onOutline }, ended.signal) };
    opening.done
      .catch(() => this._opening === opening && this._end('the model could not be opened'))
      .finally(() => {
        if (this._opening === opening) {
          this._opening = undefined;
        }
        this._options.onChange();
      });
    return opening;
  }

  /** An opening that was ended while its files are looked for goes no further. */
  private async _load(heard: AskOptions, ended: AbortSignal): Promise<OpenedModel> {
    const source = await Promise.race([this._options.source(), rejected(ended, () => ended.reason as Error)]);
    ended.throwIfAborted();
    const assets = { ...this._options.assets, ...this._options.limits?.() };
    const answer = await this._ask({ type: 'open', source, assets }, heard);
    this._opened = (answer as Extract<Answer, { type: 'opened' }>).model;
    this._heapBytes = this._opened.heapBytes;
    return this._opened;
  }

  private _ask(ask: Ask, { signal, onProgress, onPartial, onOutline }: RunOptions): Promise<Final> {
    const worker = this._ensureWorker();
    const id = this._nextId++;
    return new Promise<Final>((resolve, reject) => {
      const cancel = (): void => worker.postMessage({ type: 'cancel', id });
      const settle = (): void => {
        signal?.removeEventListener('abort', cancel);
        this._pending.delete(id);
      };
      this._pending.set(id, {
        ...(onProgress ? { onProgress } : {}),
        ...(onPartial ? { onPartial } : {}),
        ...(onOutline ? { onOutline } : {}),
        resolve: answer => (settle(), resolve(answer)),
        reject: error => (settle(), reject(error))
      });
      worker.postMessage({ ...ask, id } as Request);
      signal?.addEventListener('abort', cancel, { once: true });
      if (signal?.aborted) {
        cancel();
      }
    });
  }

  private _ensureWorker(): WorkerPort {
    if (!this._worker) {
      const worker = this._options.createWorker();
      worker.onmessage = ({ data }) => this._onAnswer(data);
      worker.onerror = event => {
        event.preventDefault();
        this._end(`the model's worker stopped${event.message ? ` (${event.message})` : ''}`);
      };
      worker.onmessageerror = () => this._end("a message of the model's worker could not be read");
      this._worker = worker;
      this._options.onChange();
    }
    return this._worker;
  }

  private _onAnswer(answer: Answer): void {
    const pending = this._pending.get(answer.id);
    if (answer.type === 'progress') {
      pending?.onProgress?.(answer.progress);
    } else if (answer.type === 'partial') {
      pending?.onPartial?.(answer.result);
    } else if (answer.type === 'outline') {
      pending?.onOutline?.(answer.outline);
    } else if (answer.type === 'error' && FULL.test(answer.message)) {
      // What a run that failed for want of memory had taken is not given back: nothing larger would run after it.
      pending?.reject(new Error(fullWords(answer.message)));
      this._end('the model’s memory was full');
    } else if (answer.type === 'error') {
      pending?.reject(answer.cancelled ? new Cancelled() : new Error(answer.message));
    } else {
      pending?.resolve(answer);
    }
  }

  /** The next use makes a new worker and reads the model again; what was running is told why it is lost. */
  private _end(reason: string): void {
    const lost = (): Error => new Error(`${reason}: what was running ended with it, run it again`);
    this._opening?.ended.abort(lost());
    this._worker?.terminate();
    this._worker = undefined;
    this._opening = undefined;
    this._opened = undefined;
    this._heapBytes = 0;
    for (const pending of [...this._pending.values()]) {
      pending.reject(lost());
    }
    this._options.onChange();
  }

  private _worker: WorkerPort | undefined;
  private _opened: OpenedModel | undefined;
  private _opening: Opening | undefined;
  private _heapBytes = 0;
  private _nextId = 1;
  private readonly _pending = new Map<number, Pending>();
}

interface Opening {
  readonly waiting: Set<AskOptions>;
  readonly ended: AbortController;
  readonly done: Promise<OpenedModel>;
}

/** Rejects when `signal` aborts. */
const rejected = (signal: AbortSignal | undefined, error: () => Error): Promise<never> =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(error()), { once: true }));
