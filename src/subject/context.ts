import type { Image } from '../maths/decode-png';
import type { ModelOutline } from './opening/outline-model';
import type { Subject } from './subject';

/** What long work gets from its caller. */
export interface Context {
  readonly signal: AbortSignal;
  progress(progress: Progress): void;
  /** Takes results as far as they are there, in the form of the whole one; absent where nobody looks. */
  partial?(result: unknown): void;
  /** Takes what the graph alone says of a model that is being opened; absent where nobody looks. */
  outline?(outline: ModelOutline): void;
  /** A partial result of the same spec and model, validated, to go on from. */
  readonly earlier?: unknown;
  /** Opens a second model, its path written as that of the first; the one who asks closes it. Absent where nothing can be opened. */
  open?(path: string): Promise<Subject>;
  /** Reads a file that a spec names, its path written as that of the model. Absent where nothing can be read. */
  read?(path: string): Promise<Uint8Array>;
  /** Decodes an image that is no PNG. Absent outside a browser. */
  decode?(bytes: Uint8Array): Promise<Image>;
}

export interface Progress {
  readonly done: number;
  readonly total: number;
  /** 'forward 3 of 10', shown as it is. */
  readonly label: string;
  /** Seconds that the rest will take; absent where nothing tells. */
  readonly left?: number;
}
