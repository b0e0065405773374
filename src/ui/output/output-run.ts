import type { CheckedPayload } from '../../report/validate-payload';
import { validatePayload } from '../../report/validate-payload';
import type { Progress } from '../../subject/context';
import type { ModelFacts } from '../../subject/subject';
import type { ModelClient } from '../../worker/client';
import { Cancelled } from '../../worker/client';
import { filesOf, madeBundle, madePayload } from './run-payload';
import type { OutputServices } from '../services';

/** The part of an output's model that a run writes to. */
export interface Output {
  setData(options: { data: Record<string, unknown>; metadata: Record<string, unknown> }): void;
}

/** `key` is the same for all views of one output. */
export interface RunTarget {
  readonly output: Output;
  readonly key: object;
  /** Path of the notebook, which paths of models are relative to. */
  readonly notebook?: string;
}

export type RunState =
  | { readonly kind: 'running'; readonly progress?: Progress; readonly partial?: CheckedPayload }
  /** `kept`: what was there of the result is in the output now. */
  | { readonly kind: 'failed'; readonly message: string; readonly kept: boolean }
  | { readonly kind: 'cancelled'; readonly kept: boolean };

/** A saved result that is not whole: the next run goes on from it. */
export const isPartial = ({ analysis, payload }: CheckedPayload): boolean => {
  const completion = payload.result === undefined ? undefined : analysis.completion?.(payload.result);
  return completion !== undefined && completion.done < completion.total;
};

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
    { output, key, notebook = '' }: RunTarget,
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
    void run._run({ output, key, notebook }, checked, client, services);
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
    { output, key, notebook = '' }: RunTarget,
    checked: CheckedPayload,
    client: ModelClient,
    services: OutputServices
  ): Promise<void> {
    const { analysis, payload } = checked;
    const started = performance.now();
    const options = {
      signal: this._controller.signal,
      onProgress: (progress: Progress) => this._set({ ...this._running(), progress }),
      onPartial: (result: unknown) =>
        this._set({ ...this._running(), partial: validatePayload({ ...payload, result }) }),
      ...(isPartial(checked) && { earlier: payload.result }),
      ...filesOf(checked, notebook, services)
    };
    try {
      const { facts } = await client.open(options);
      this._facts = facts;
      if (payload.model.hash !== undefined && payload.model.hash !== facts.hash) {
        throw new Error(`model differs: '${facts.label}' has ${facts.hash}, the output names ${payload.model.hash}`);
      }
      const { result, seconds } = await client.run(analysis.id, payload.spec, payload.seed, options);
      const label = services.trans.__('drawing the pictures');
      this._set({ ...this._running(), progress: { done: 1, total: 1, label } });
      const done = madePayload(checked, { result, facts, seconds }, services.version);
      const bundle = await madeBundle(done, services);
      options.signal.throwIfAborted();
      OutputRun._runs.delete(key);
      output.setData(bundle);
    } catch (error) {
      const cancelled = error instanceof Cancelled || this._controller.signal.aborted;
      const message = error instanceof Error ? error.message : String(error);
      const seconds = (performance.now() - started) / 1000;
      const kept = await this._keep(output, checked, client, seconds, services);
      this._set(cancelled ? { kind: 'cancelled', kept } : { kind: 'failed', message, kept });
    }
  }

  /** Puts what there is of a result into the output: of a run that was cancelled, or that failed in its middle. */
  private async _keep(
    output: Output,
    checked: CheckedPayload,
    client: ModelClient,
    seconds: number,
    services: OutputServices
  ): Promise<boolean> {
    const { partial } = this._running();
    const facts = client.opened?.facts ?? this._facts;
    if (partial === undefined || facts === undefined || this._listeners.size === 0) {
      return false;
    }
    try {
      const done = madePayload(checked, { result: partial.payload.result, facts, seconds }, services.version);
      output.setData(await madeBundle(done, services));
      return true;
    } catch {
      // Why the run ended is what is said then.
      return false;
    }
  }

  private _running(): Extract<RunState, { kind: 'running' }> {
    return this._state.kind === 'running' ? this._state : { kind: 'running' };
  }

  private _set(state: RunState): void {
    this._state = state;
    this._listeners.forEach(listener => listener());
  }

  private static readonly _runs = new WeakMap<object, OutputRun>();
  private _state: RunState = { kind: 'running' };
  private _facts: ModelFacts | undefined;
  private readonly _controller = new AbortController();
  private readonly _listeners = new Set<() => void>();
}
