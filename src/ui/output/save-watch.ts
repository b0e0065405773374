import type { OutputPlace } from './output-place';

/** From an output's first run on, says when its result is in the page alone: a save failed, or the notebook cannot be written. */
export class SaveWatch {
  constructor(
    private readonly _place: () => OutputPlace | undefined,
    private readonly _onUnsaved: () => void
  ) {}

  begin(): void {
    this.end();
    this._end = this._place()?.onSaveFailed(this._onUnsaved);
  }

  /** There is a new result. */
  check(): void {
    if (this._end && this._place()?.writable === false) {
      this._onUnsaved();
    }
  }

  end(): void {
    this._end?.();
    this._end = undefined;
  }

  private _end: (() => void) | undefined;
}
