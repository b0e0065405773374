import type { ClientOptions } from './client';
import { ModelClient } from './client';
import type { ModelSource } from './protocol';

export interface ManagedModel {
  /** The resolved path; of files of this computer 'dropped:…'. */
  readonly key: string;
  /** For the reader. */
  readonly label: string;
  readonly source: () => Promise<ModelSource>;
  readonly client: ModelClient;
}

/** One worker a model: all outputs that name the same model share it. */
export class ModelManager {
  constructor(private readonly _options: Pick<ClientOptions, 'createWorker' | 'assets' | 'limits'>) {}

  /** The model's client; nothing is loaded before it is used. `source` and `label` of the first call with a key are kept. */
  get(key: string, source: () => Promise<ModelSource>, label = key): ModelClient {
    const known = this._models.get(key);
    if (known) {
      return known.client;
    }
    const client = new ModelClient({ ...this._options, source, onChange: () => this._changed() });
    this._models.set(key, { key, label, source, client });
    return client;
  }

  /** Models with a worker. */
  list(): readonly ManagedModel[] {
    return Array.from(this._models.values()).filter(({ client }) => client.state !== 'closed');
  }

  /** Gives the model's memory back. Its client stays, so that whoever watches it sees it open again. */
  close(key: string): void {
    this._models.get(key)?.client.close();
  }

  /** Calls `listener` after each change; the function returned ends that. */
  onChange(listener: () => void): () => void {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  private _changed(): void {
    this._listeners.forEach(listener => listener());
  }

  private readonly _models = new Map<string, ManagedModel>();
  private readonly _listeners = new Set<() => void>();
}
