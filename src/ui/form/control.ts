import type { Token } from '../../tokens/tokens';
import type { Translate } from '../translate';

/** What a control holds: a value, undefined for the default; or why it cannot be read. */
export type Reading = { readonly value: unknown } | { readonly fault: string };

/** The part of a form that one field is entered with. */
export interface Control {
  readonly node: HTMLElement;
  /** What the field's label, description and fault belong to; absent where the control names its own parts. */
  readonly input?: HTMLElement;
  read(): Reading;
  dispose(): void;
}

export interface ControlContext {
  readonly trans: Translate;
  /** Where the model is open and has a tokenizer. */
  readonly encode: ((text: string, signal: AbortSignal) => Promise<readonly Token[]>) | undefined;
  /** After each change of what the control holds. */
  readonly onChange: () => void;
}
