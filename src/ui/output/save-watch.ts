import type { Translate } from '../translate';
import type { OutputPlace } from './output-place';

/** From an output's first run on, says when its result is in the page alone: a save failed, or the notebook cannot be written. */
export class SaveWatch {
  constructor(
    private readonly _place: () => OutputPlace | undefined,
    private readonly _trans: Translate,
    private readonly _say: (words: string) => void
  ) {}

  begin(): void {
    this.end();
    this._end = this._place()?.onSaveFailed(() => this._sayUnsaved());
  }

  /** There is a new result. */
  check(): void {
    if (this._end && this._place()?.writable === false) {
      this._sayUnsaved();
    }
  }

  end(): void {
    this._end?.();
    this._end = undefined;
  }

  private _sayUnsaved(): void {
    this._say(
      this._trans.__(
        'This result is in the page, not in the notebook’s file, which was not written. Copy or Export keeps it.'
      )
    );
  }

  private _end: (() => void) | undefined;
}
