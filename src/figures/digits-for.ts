/** Most that are shown: 0.000001 is the smallest number told from nothing. */
const MOST = 6;

/** Digits behind the point, so that a number of this size has so many that say something, and one of 0.1 and more as many behind it. */
export function digitsFor(size: number, telling: number): number {
  const needed = size > 0 && size < Infinity ? telling - 1 - Math.floor(Math.log10(size)) : telling;
  return Math.min(MOST, Math.max(telling, needed));
}
