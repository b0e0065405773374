import type { CentredGram } from './cka';

/** Points nearer than this share of their spread are one: what differs by rounding of single precision. */
const TOLERANCE = 1e-5;

/** How many of the points of a Gram matrix lie apart from every earlier one. */
export function differentPoints({ gram: { rows, data }, diagonal }: CentredGram): number {
  const least = TOLERANCE ** 2 * (diagonal.reduce((sum, value) => sum + value, 0) / rows);
  const kept: number[] = [];
  for (let i = 0; i < rows; i++) {
    if (kept.every(j => diagonal[i] + diagonal[j] - 2 * data[i * rows + j] > least)) {
      kept.push(i);
    }
  }
  return kept.length;
}
