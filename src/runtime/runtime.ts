import type { Model } from '../onnx/model';
import type { Tensor } from '../onnx/tensor';
import type { Weights } from '../onnx/weights';

/** Runs graphs. One interface and one contract suite for all implementations. */
export interface Runtime {
  readonly name: 'wasm' | 'node';
  /** 'onnxruntime-web 1.30.0', threads, for provenance. */
  readonly version: string;
  readonly threads: number;
  /** Makes a graph ready to run. Initialisers that the graph lacks data for are taken from `weights` by name. */
  prepare(model: Model, weights: Weights): Promise<Prepared>;
  /** What can still be held, besides the sessions that are not released. */
  room(): Room;
}

/** Memory that is free. */
export interface Room {
  readonly bytes: number;
  /** For messages: "of WebAssembly's 4.0 GB". */
  readonly of: string;
}

export interface Prepared {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Only the tensors in `fetches` are returned. */
  run(feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[]): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}
