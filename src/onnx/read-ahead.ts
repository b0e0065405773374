import type { ReadRange } from './read-outline';

/** Bytes from `start` on. */
export interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
}

interface Asked {
  readonly start: number;
  readonly end: number;
  readonly bytes: Promise<Uint8Array | undefined>;
}

/** Pieces asked for before they are needed. */
const AHEAD = 6;
const WIDTH = 2 ** 15;
/** Names differ by a digit, so that steps differ by bytes: a piece begins before the place that is guessed. */
const [SLACK, BEFORE] = [64, 1024];
/** What a landing reads at once. */
const NEEDED = 32;
/** Wrong guesses after which none is made. */
const MOST_MISSES = 4;

/**
 * Guesses where a walk through a file lands after its next leaps, and asks for the bytes there: a model's layers have the same weights
 * in the same order, so that the steps of one layer are those of the next. A wrong guess costs a request and nothing else.
 */
export class ReadAhead {
  constructor(
    private readonly _size: number,
    private readonly _read: ReadRange
  ) {}

  /** The piece that was asked for where the walk has landed, if there is one. */
  async land(at: number): Promise<Piece | undefined> {
    const piece = this._asked.find(({ start, end }) => start <= at && at + NEEDED <= end);
    this._misses += !piece && this._asked.length > 0 ? 1 : 0;
    this._asked = this._asked.filter(({ end }) => end > at);
    this._steps.push(at - this._at);
    this._at = at;
    if (this._misses < MOST_MISSES) {
      this._guess();
    }
    const bytes = await piece?.bytes;
    return piece && bytes?.length === piece.end - piece.start ? { start: piece.start, bytes } : undefined;
  }

  /** The steps since the last place where the two steps before were as those before now, again and again. */
  private _guess(): void {
    const last = this._steps.length - 1;
    const same = (i: number): boolean =>
      [0, 1].every(back => Math.abs(this._steps[i - back] - this._steps[last - back]) <= SLACK);
    let before = last - 1;
    while (before > 0 && !same(before)) {
      before--;
    }
    if (before <= 0) {
      return;
    }
    let place = this._at;
    for (let i = 0; i < AHEAD; i++) {
      place += this._steps[before + 1 + (i % (last - before))];
      this._ask(place);
    }
  }

  private _ask(place: number): void {
    const start = place - BEFORE;
    const end = Math.min(this._size, start + WIDTH);
    const known = this._asked.some(one => one.start <= place && place + NEEDED <= one.end);
    if (!known && place + NEEDED <= end) {
      this._asked.push({ start, end, bytes: this._read(start, end).catch(() => undefined) });
    }
  }

  private _at = 0;
  private _misses = 0;
  private _asked: Asked[] = [];
  private readonly _steps: number[] = [];
}
