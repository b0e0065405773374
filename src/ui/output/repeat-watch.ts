import type { CheckedPayload } from '../../report/validate-payload';
import type { Translate } from '../translate';
import { repeatWords } from './repeat-words';

/** After a run of an output that had a result: says whether it gave that again. */
export class RepeatWatch {
  constructor(
    private readonly _trans: Translate,
    private readonly _say: (words: string) => void
  ) {}

  /** A run begins where this is shown. */
  begin(before: CheckedPayload | undefined): void {
    this._before = before;
  }

  /** What is shown when no run goes on; without a result there is nothing to say yet. */
  check(after: CheckedPayload): void {
    const before = this._before;
    if (before && after.payload.result !== undefined) {
      this._before = undefined;
      const words = repeatWords(before, after, this._trans);
      if (words !== undefined) {
        this._say(words);
      }
    }
  }

  private _before: CheckedPayload | undefined;
}
