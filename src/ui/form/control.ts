import type { Token } from '../../tokens/tokens';
import type { HeadShape } from './head-picker';
import type { Translate } from '../translate';

/** What a control holds: a value, undefined for the default; or why it cannot be read. */
export type Reading = { readonly value: unknown } | { readonly fault: string };

/** The part of a form that one field is entered with. */
export interface Control {
  readonly node: HTMLElement;
  /** What the field's label, description and fault belong to; absent where the control names its own parts. */
  readonly input?: HTMLElement;
  read(): Reading;
  /** Holds another value from now on, as if it had been entered; absent where nothing sets it. */
  write?(value: unknown): void;
  dispose(): void;
}

export interface ControlContext {
  readonly trans: Translate;
  /** Where the model is open and has a tokenizer. */
  readonly encode: ((text: string, signal: AbortSignal) => Promise<readonly Token[]>) | undefined;
  /** Of the open model. */
  readonly shape: HeadShape | undefined;
  /** After each change of what the control holds. */
  readonly onChange: () => void;
}
