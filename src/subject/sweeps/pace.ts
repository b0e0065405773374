/** What a run is sized by: packed tokens, tokens of whole rows in attention, tokens unembedded into all of the vocabulary. */
export type Sized = 'tokens' | 'grid' | 'unembed';

/** Sizes of runs, found by measuring: a run cannot hear a cancel. */
export interface Pace {
  /** Of the next run at most. */
  size(sized: Sized): number;
  /** Tells how long a run of `count` took, of one of the pieces. */
  record(sized: Sized, piece: string, count: number, milliseconds: number): void;
}

/** More are no faster, and take memory. */
export const MOST: Readonly<Record<Sized, number>> = { tokens: 768, grid: 4096, unembed: 32 };

interface Measured {
  readonly count: number;
  /** Milliseconds. */
  readonly each: number;
}

/** Of one run; a third below the 300 ms after which a cancel seems unheard, since runs of one size differ. */
const AIM = 200;

/** `first`: tokens of a run before anything was measured. */
export const createPace = (first: number): Pace => {
  const sizes: Record<Sized, number> = { ...MOST, tokens: Math.min(first, MOST.tokens) };
  const runs: Readonly<Record<Sized, Map<string, Measured>>> = {
    tokens: new Map(),
    grid: new Map(),
    unembed: new Map()
  };
  return {
    size: sized => sizes[sized],
    record: (sized, piece, count, milliseconds) => {
      const known = runs[sized];
      // Small runs say little of larger ones: what a run costs besides its tokens is most of it. Some pieces have none but small ones.
      const large = Math.min(sizes[sized], known.get(piece)?.count ?? 0);
      if (2 * count >= large || milliseconds > AIM) {
        known.set(piece, { count, each: milliseconds / count });
        const fit = Math.floor(AIM / Math.max(...[...known.values()].map(({ each }) => each)));
        sizes[sized] = Math.max(1, Math.min(MOST[sized], fit));
      }
    }
  };
};
