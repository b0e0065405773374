import type { LayerPattern } from './pattern-runs';

/** Where a head of the kind looks from query position t on two equal halves of `span` tokens: at t − back(span). */
export interface DiagonalScore {
  readonly id: 'previous-token' | 'duplicate-token' | 'induction';
  readonly title: string;
  readonly back: (span: number) => number;
  /** First query position that counts. */
  readonly from: (span: number) => number;
}

export const SCORES: readonly DiagonalScore[] = [
  { id: 'previous-token', title: 'Previous token', back: () => 1, from: () => 1 },
  { id: 'duplicate-token', title: 'Duplicate token', back: span => span, from: span => span },
  { id: 'induction', title: 'Induction', back: span => span - 1, from: span => span }
];

/** Mean weight on the score's diagonal, 0 to 1. */
export function diagonalScore({ weights, length }: LayerPattern, head: number, score: DiagonalScore): number {
  const span = length / 2;
  const back = score.back(span);
  let sum = 0;
  for (let query = score.from(span); query < length; query++) {
    sum += weights[(head * length + query) * length + query - back];
  }
  return sum / (length - score.from(span));
}

/** The same of a head that looks at all it sees alike. */
export function uniformScore(length: number, causal: boolean, score: DiagonalScore): number {
  const from = score.from(length / 2);
  let sum = 0;
  for (let query = from; query < length; query++) {
    sum += 1 / (causal ? query + 1 : length);
  }
  return sum / (length - from);
}
