/** Shares of the data at which Voita & Titov 2020 train the probe anew. */
const SHARES = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.0625, 0.125, 0.25, 0.5, 1];
/** Points in the first portion, which is coded uniformly. */
const LEAST = 10;

/**
 * Ends of the portions that n labels are sent in: those of Voita & Titov's shares from the first that holds 10 labels and every class, so that
 * each probe has seen all classes. The last is n; only [n] where no smaller portion holds every class.
 */
export function portions(labels: readonly number[], classes: number): number[] {
  const ends = SHARES.map(share => Math.round(share * labels.length));
  const complete = (end: number): boolean => new Set(labels.slice(0, end)).size === classes;
  return [...new Set(ends.filter(end => end === labels.length || (end >= LEAST && complete(end))))];
}

/**
 * Online codelength in bits: the first portion's labels cost log₂ K each, every later one −log₂ of what the probe trained on all before it gives
 * it (Voita & Titov 2020). `logs` are those natural log-probabilities.
 */
export function codelength(first: number, classes: number, logs: readonly number[]): number {
  return first * Math.log2(classes) - logs.reduce((sum, value) => sum + value, 0) / Math.LN2;
}
