import { makeBundle } from '../report/bundle';
import { makeProvenance } from '../report/provenance';
import type { CheckedPayload } from '../report/validate-payload';
import { validatePayload } from '../report/validate-payload';
import type { Progress } from '../subject/context';
import type { ModelClient } from '../worker/client';
import { Cancelled } from '../worker/client';
import { picture } from './picture';
import type { OutputServices } from './services';

/** The part of an output's model that a run writes to. */
export interface Output {
  setData(options: { data: Record<string, unknown>; metadata: Record<string, unknown> }): void;
}

/** `key` is the same for all views of one output. */
export interface RunTarget {
  readonly output: Output;
  readonly key: object;
}

export type RunState =
  | { readonly kind: 'running'; readonly progress?: Progress }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'cancelled' };

/** Milliseconds in which a moved cell is drawn anew. */
const UNFOLLOWED = 1000;

/** One run of one output. All views of the output show the same run: it is never started twice. */
export class OutputRun {
  /** The run of an output that goes on, or that ended without a result. */
  static of(key: object): OutputRun | undefined {
    return OutputRun._runs.get(key);
  }

  /** Starts unless one goes on. */
  static start(
    { output, key }: RunTarget,
    checked: CheckedPayload,
    client: ModelClient,
    services: OutputServices
  ): OutputRun {
    const current = OutputRun._runs.get(key);
    if (current?.state.kind === 'running') {
      return current;
    }
    const run = new OutputRun();
    OutputRun._runs.set(key, run);
    void run._run({ output, key }, checked, client, services);
    return run;
  }

  get state(): RunState {
    return this._state;
  }

  cancel(): void {
    this._controller.abort();
  }

  /**
   * Calls `listener` after each change; the function returned ends that. A run that nobody follows any more (its cell was
   * deleted or executed again, its notebook closed) is cancelled.
   */
  onChange(listener: () => void): () => void {
    this._listeners.add(listener);
    return () => {
      this._listeners.delete(listener);
      setTimeout(() => this._listeners.size === 0 && this.cancel(), UNFOLLOWED);
    };
  }

  private async _run(
    { output, key }: RunTarget,
    checked: CheckedPayload,
    client: ModelClient,
    services: OutputServices
  ): Promise<void> {
    const options = {
      signal: this._controller.signal,
      onProgress: (progress: Progress) => this._set({ kind: 'running', progress })
    };
    try {
      const { facts } = await client.open(options);
      const { analysis, payload } = checked;
      if (payload.model.hash !== undefined && payload.model.hash !== facts.hash) {
        throw new Error(`model differs: '${facts.label}' has ${facts.hash}, the output names ${payload.model.hash}`);
      }
      const { result, seconds } = await client.run(analysis.id, payload.spec, payload.seed, options);
      const provenance = makeProvenance(facts, { version: services.version, created: new Date(), seconds });
      const { path, hash } = payload.model;
      const model = path === undefined && hash === undefined ? { hash: facts.hash } : payload.model;
      const done = validatePayload({ ...payload, model, result, provenance });
      this._set({ kind: 'running', progress: { done: 1, total: 1, label: services.trans.__('drawing the pictures') } });
      const pictures = [];
      for (const figure of analysis.figures(done.payload.result, done.spec)) {
        pictures.push(await picture(figure));
      }
      options.signal.throwIfAborted();
      const { data, metadata } = makeBundle(done, { pictures, budget: services.budget() });
      OutputRun._runs.delete(key);
      output.setData({ data: { ...data }, metadata: { ...metadata } });
    } catch (error) {
      const cancelled = error instanceof Cancelled || this._controller.signal.aborted;
      const message = error instanceof Error ? error.message : String(error);
      this._set(cancelled ? { kind: 'cancelled' } : { kind: 'failed', message });
    }
  }

  private _set(state: RunState): void {
    this._state = state;
    this._listeners.forEach(listener => listener());
  }

  private static readonly _runs = new WeakMap<object, OutputRun>();
  private _state: RunState = { kind: 'running' };
  private readonly _controller = new AbortController();
  private readonly _listeners = new Set<() => void>();
}
