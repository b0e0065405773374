import type { DataFile } from '../../onnx/data-file';

/** Where a model's bytes come from: a folder on disk, a server, or files dropped on the page. Names are relative, POSIX. */
export interface ModelFiles {
  /** What the model is called in messages and captions: 'induction-2l', 'model.onnx'. */
  readonly label: string;
  /** The .onnx file meant, where the user named one. */
  readonly model?: string;
  /** Sizes of tensors that will be fed, by the graph's names for its inputs: they are what the file leaves open. */
  readonly dims?: ReadonlyMap<string, readonly number[]>;
  list(): Promise<readonly FileEntry[]>;
  /** Throws when the name is not in `list()`. */
  read(name: string, options: ReadOptions): Promise<Uint8Array>;
  /** External data that is left where it lies. Absent where files are read whole. */
  dataFile?(name: string): Promise<DataFile>;
  /** Bytes [start, end) of a file; throws where the server gives whole files only. Absent where nothing is read in parts. */
  readRange?(name: string, start: number, end: number, signal: AbortSignal): Promise<Uint8Array>;
}

export interface FileEntry {
  readonly name: string;
  /** Bytes, where known. */
  readonly size?: number;
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  readonly onBytes?: (read: number, total: number | undefined) => void;
}
