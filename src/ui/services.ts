import type { Payload } from '../report/payload';
import type { ModelSource } from '../worker/protocol';
import type { ModelManager } from '../worker/model-manager';
import type { Translate } from './translate';

/** What outputs get from the page around them. */
export interface OutputServices {
  readonly manager: ModelManager;
  readonly trans: Translate;
  /** Of this extension, for provenance. */
  readonly version: string;
  /** A path as written in the output of `notebook` → the model's key and how its files are found; throws a sentence. */
  locate(path: string, notebook: string): ModelPlace;
  /** One file, its path written in the output of `notebook`; throws a sentence. */
  file(path: string, notebook: string): Promise<ModelSource>;
  /** Asks for a file or folder of the server; the path relative to the notebook. */
  choose(notebook: string): Promise<string | undefined>;
  /** Adds an analysis below the active cell of the notebook looked at, and runs it. */
  insert(payload: Payload): Promise<void>;
  readonly recent: RecentModels;
  /** Bytes of one saved output. */
  budget(): number;
}

/** Models of the server that were opened before, by their paths. */
export interface RecentModels {
  /** The last one first. */
  list(): readonly string[];
  forget(path: string): void;
}

export interface ModelPlace {
  readonly key: string;
  /** Where the key does not say what it is. */
  readonly label?: string;
  readonly source: () => Promise<ModelSource>;
}
