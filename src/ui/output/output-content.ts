import type { OutputPlace } from './output-place';
import type { Output } from './output-run';

/** One output as the notebook holds it. */
export interface OutputContent {
  readonly mimeType: string;
  readonly content: unknown;
  /** Path of the notebook, '' where there is none. */
  readonly notebook: string;
  readonly output: Output;
  /** The same for all views of one output. */
  readonly key: object;
  /** Undefined outside a notebook's cell (a view of an output, a console's history). */
  readonly place?: () => OutputPlace | undefined;
  /** Plain words saved beside it, for what cannot be read. */
  readonly fallback?: string;
  /** Pixels that its figures were given. */
  readonly height?: number;
  /** Keeps another height with the output. */
  readonly keepHeight?: (height: number | undefined) => void;
}
