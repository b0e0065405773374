import type { Anatomy } from '../anatomy/anatomy';
import type { SingularValues } from '../analyses/weights/singular-values';
import type { Certificate } from '../anatomy/certificate/certificate';
import type { Progress } from '../subject/context';
import type { ModelOutline } from '../subject/opening/outline-model';
import type { Cost, ModelFacts } from '../subject/subject';
import type { NextAsk, NextTokens } from '../subject/generate/next-tokens';
import type { NodeFacts, Span, TensorFacts } from '../subject/tensor-facts';
import type { Token } from '../tokens/tokens';

/** Messages between the page and one model's worker. All requests carry an id that the answers repeat. */
export type Request =
  | { readonly type: 'open'; readonly id: number; readonly source: ModelSource; readonly assets: RuntimeAssets }
  | { readonly type: 'cost'; readonly id: number; readonly analysis: string; readonly spec: unknown }
  | {
      readonly type: 'run';
      readonly id: number;
      readonly analysis: string;
      readonly spec: unknown;
      readonly seed: number;
      /** A partial result of the same model and spec, to go on from. */
      readonly earlier?: unknown;
      /** Files of other models, for an analysis that names some. */
      readonly others?: readonly NamedSource[];
      /** The one file that a spec names to be looked at. */
      readonly seen?: ModelSource;
    }
  | { readonly type: 'encode'; readonly id: number; readonly text: string }
  /** What the model takes for the next token of a text. */
  | { readonly type: 'next'; readonly id: number; readonly ask: NextAsk }
  /** What the graph says of these tensors. */
  | { readonly type: 'describe'; readonly id: number; readonly names: readonly string[] }
  /** The graph's nodes between tensors, at most `most`. */
  | { readonly type: 'nodes'; readonly id: number; readonly span: Span; readonly most: number }
  /** Of one matrix of the model: 'W_Q' of a layer, or 'W_E'. */
  | { readonly type: 'singular-values'; readonly id: number; readonly weight: string; readonly layer?: number }
  /** The largest weights. */
  | { readonly type: 'initialisers'; readonly id: number; readonly most: number }
  | { readonly type: 'cancel'; readonly id: number };

/** A request without the id that the client gives it. */
export type Ask = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;

export type Answer =
  | { readonly type: 'progress'; readonly id: number; readonly progress: Progress }
  /** A result as far as it is there. */
  | { readonly type: 'partial'; readonly id: number; readonly result: unknown }
  /** Of a model that is being opened: what its graph alone says. */
  | { readonly type: 'outline'; readonly id: number; readonly outline: ModelOutline }
  | { readonly type: 'opened'; readonly id: number; readonly model: OpenedModel }
  | { readonly type: 'cost'; readonly id: number; readonly cost: Cost }
  | {
      readonly type: 'result';
      readonly id: number;
      readonly result: unknown;
      readonly seconds: number;
      readonly heapBytes: number;
    }
  | { readonly type: 'encode'; readonly id: number; readonly tokens: readonly Token[] }
  | { readonly type: 'next'; readonly id: number; readonly next: NextTokens }
  /** Names that the graph does not have are left out. */
  | { readonly type: 'describe'; readonly id: number; readonly tensors: readonly TensorFacts[] }
  | { readonly type: 'nodes'; readonly id: number; readonly list: NodeList }
  | { readonly type: 'singular-values'; readonly id: number; readonly found: SingularValues }
  | { readonly type: 'initialisers'; readonly id: number; readonly list: InitialiserList }
  | { readonly type: 'error'; readonly id: number; readonly message: string; readonly cancelled: boolean };

export interface InitialiserList {
  /** Largest first. */
  readonly tensors: readonly TensorFacts[];
  readonly omitted: number;
}

export interface NodeList {
  /** In the order in which they run. */
  readonly nodes: readonly NodeFacts[];
  readonly omitted: number;
}

/** Files by URL (fetched by the worker) or as blobs (dropped on the page). */
export interface ModelSource {
  readonly label: string;
  /** The .onnx file meant, where the user named one. */
  readonly model?: string;
  readonly files: readonly SourceFile[];
  /** Headers of the server's requests (token, XSRF). */
  readonly headers: Readonly<Record<string, string>>;
}

/** A model as a spec names it. */
export interface NamedSource {
  readonly path: string;
  readonly source: ModelSource;
}

export interface SourceFile {
  readonly name: string;
  readonly size?: number;
  /** Of a file of the server: changes with it, so that the browser may keep it. */
  readonly version?: string;
  readonly content: string | Blob;
}

/** What the user lets a model's runtime take; absent: one thread, all of WebAssembly's memory. */
export interface RuntimeLimits {
  readonly threads?: number;
  /** Bytes. */
  readonly memory?: number;
}

/** Where onnxruntime-web's two files lie. */
export interface RuntimeAssets extends RuntimeLimits {
  readonly wasm: string;
  readonly mjs: string;
}

/** What the page knows of an open model. */
export interface OpenedModel {
  readonly facts: ModelFacts;
  readonly anatomy: Anatomy;
  readonly certificate: Certificate;
  readonly hasTokens: boolean;
  /** Bytes of the worker's wasm heap. */
  readonly heapBytes: number;
  /** Why an analysis cannot be served, by id; those that can are absent. */
  readonly refusals: Readonly<Record<string, string>>;
}
