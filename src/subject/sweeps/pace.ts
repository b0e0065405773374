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
export const MOST: Readonly<Record<Sized, number>> = { tokens: 384, grid: 4096, unembed: 32 };

/** Of one run; a third below the 300 ms after which a cancel seems unheard, since runs of one size differ. */
const AIM = 200;

/** `first`: tokens of a run before anything was measured. */
export const createPace = (first: number): Pace => {
  const sizes: Record<Sized, number> = { ...MOST, tokens: Math.min(first, MOST.tokens) };
  const rates: Readonly<Record<Sized, Map<string, number>>> = {
    tokens: new Map(),
    grid: new Map(),
    unembed: new Map()
  };
  return {
    size: sized => sizes[sized],
    record: (sized, piece, count, milliseconds) => {
      const known = rates[sized];
      // Small runs say little of larger ones: what a run costs besides its tokens is most of it.
      if (2 * count >= sizes[sized] || milliseconds > AIM || !known.has(piece)) {
        known.set(piece, milliseconds / count);
        const fit = Math.floor(AIM / Math.max(...known.values()));
        sizes[sized] = Math.max(1, Math.min(MOST[sized], fit));
      }
    }
  };
};
