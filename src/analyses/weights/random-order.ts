import { matrix, type Matrix } from '../../maths/matrix';
import { random } from '../../maths/random';

/** The same entries in a random order (Fisher and Yates): what size and entries alone give. */
export function inRandomOrder({ rows, columns, data }: Matrix, seed: number): Matrix {
  const stream = random(seed);
  const values = data.slice();
  for (let i = values.length - 1; i > 0; i--) {
    const j = stream.below(i + 1);
    [values[i], values[j]] = [values[j], values[i]];
  }
  return matrix(rows, columns, values);
}
