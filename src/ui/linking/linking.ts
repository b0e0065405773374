import type { Selection } from './selection';
import { NOTHING, isNothing, isSame } from './selection';

/** Marks parts in one figure. */
export type Marker = (linking: Linking) => void;

/** Long enough for a drawn page to follow a pointer. */
type Schedule = (draw: () => void) => void;

/**
 * What is pointed at and what is kept, shared by the outputs of one model in one document. Every figure subscribes: it
 * tells what its pointer or cursor is on, and marks what the others are on.
 */
export class Linking {
  /** The outputs of a model, by its hash, in a document. */
  static of(document: string, model: string): Linking {
    const key = `${model} ${document}`;
    const linking = Linking._all.get(key) ?? new Linking(callback => requestAnimationFrame(callback), key);
    Linking._all.set(key, linking);
    return linking;
  }

  constructor(
    private readonly _schedule: Schedule,
    private readonly _key?: string
  ) {}

  /** Kept by a click; undefined when let go. */
  get kept(): Selection | undefined {
    return this._kept;
  }

  /** Whose figure it was kept in. */
  get keeper(): object | undefined {
    return this._keeper;
  }

  /** What is to be marked: heads that are kept stay, while a pointer goes over tokens. */
  get shown(): Selection {
    const { _kept: kept, _pointed: pointed } = this;
    return kept && pointed.tokens.length ? { heads: kept.heads, tokens: pointed.tokens } : (kept ?? pointed);
  }

  /** A pointer or cursor moved onto `selection`, or away (NOTHING). Told to the figures with the next frame. */
  point(selection: Selection): void {
    if (isSame(selection, this._pointed)) {
      return;
    }
    const before = this.shown;
    this._pointed = selection;
    if (!isSame(this.shown, before)) {
      this._publishSoon();
    }
  }

  /** Keeps `selection`, or lets it go where it is kept already. */
  toggle(selection: Selection, keeper: object): void {
    if (isNothing(selection)) {
      return;
    }
    const again = this._kept !== undefined && isSame(selection, this._kept);
    this._set(again ? undefined : selection, again ? undefined : keeper);
  }

  /** Keeps it, whatever was kept before. */
  keep(selection: Selection, keeper: object): void {
    this._set(selection, keeper);
  }

  letGo(): void {
    if (this._kept) {
      this._pointed = NOTHING;
      this._set(undefined, undefined);
    }
  }

  /** Calls `marker` after each change, and now where there is something to mark; the function returned ends that. */
  follow(marker: Marker): () => void {
    this._markers.add(marker);
    if (!isNothing(this.shown)) {
      marker(this);
    }
    return () => {
      this._markers.delete(marker);
      setTimeout(() => this._forget());
    };
  }

  private _set(kept: Selection | undefined, keeper: object | undefined): void {
    this._kept = kept;
    this._keeper = keeper;
    this._publish();
  }

  private _publishSoon(): void {
    if (!this._waiting) {
      this._waiting = true;
      this._schedule(() => {
        this._waiting = false;
        this._publish();
      });
    }
  }

  private _publish(): void {
    [...this._markers].forEach(marker => marker(this));
  }

  /** Nobody follows any more: the notebook was closed. */
  private _forget(): void {
    if (this._markers.size === 0 && this._key !== undefined && Linking._all.get(this._key) === this) {
      Linking._all.delete(this._key);
    }
  }

  private static readonly _all = new Map<string, Linking>();
  private readonly _markers = new Set<Marker>();
  private _pointed: Selection = NOTHING;
  private _kept: Selection | undefined;
  private _keeper: object | undefined;
  private _waiting = false;
}

/** How a figure takes part: the state that it shares, and the output that it belongs to. */
export interface Link {
  readonly linking: Linking;
  readonly keeper: object;
}
