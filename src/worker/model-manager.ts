import type { ClientOptions } from './client';
import { ModelClient } from './client';
import type { ModelSource } from './protocol';

export interface ManagedModel {
  /** The resolved path, or the hash of a dropped file. */
  readonly key: string;
  readonly client: ModelClient;
}

/** One worker a model: all outputs that name the same model share it. */
export class ModelManager {
  constructor(private readonly _options: Pick<ClientOptions, 'createWorker' | 'assets' | 'limits'>) {}

  /** The model's client; nothing is loaded before it is used. `source` of the first call with a key is kept. */
  get(key: string, source: () => Promise<ModelSource>): ModelClient {
    const known = this._clients.get(key);
    if (known) {
      return known;
    }
    const client = new ModelClient({ ...this._options, source, onChange: () => this._changed() });
    this._clients.set(key, client);
    return client;
  }

  /** Models with a worker. */
  list(): readonly ManagedModel[] {
    return Array.from(this._clients, ([key, client]) => ({ key, client })).filter(
      ({ client }) => client.state !== 'closed'
    );
  }

  /** Gives the model's memory back. Its client stays, so that whoever watches it sees it open again. */
  close(key: string): void {
    this._clients.get(key)?.close();
  }

  /** Calls `listener` after each change; the function returned ends that. */
  onChange(listener: () => void): () => void {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  private _changed(): void {
    this._listeners.forEach(listener => listener());
  }

  private readonly _clients = new Map<string, ModelClient>();
  private readonly _listeners = new Set<() => void>();
}
