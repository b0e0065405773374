import type { LinearAlgebra } from '../../../maths/linear-algebra';
import { transpose, type Matrix } from '../../../maths/matrix';
import type { Subject } from '../../../subject/subject';
import type { BilinearHead } from './vocabulary-circuit';

const HOW: Readonly<Record<string, string>> = {
  rotary: 'positions turn queries and keys (rotary)',
  alibi: 'positions are added to the scores (ALiBi)',
  relative: 'positions are added to the scores (relative)',
  none: 'the model has no positions of its own'
};

/** Why there is no circuit between positions, or undefined where they are added to the stream from a table. */
export function refusesPositions({ tower, weights, facts }: Subject): string | undefined {
  const how = HOW[tower.positional];
  return how !== undefined
    ? `positional circuit not served: in '${facts.label}' ${how} instead of being added to the stream`
    : !weights.names.includes('W_pos')
      ? `positional circuit not served: the ${tower.positional} positions of '${facts.label}' are not stored as numbers that are understood`
      : tower.embedding?.norm
        ? `positional circuit not served: in '${facts.label}' positions are normalised together with the tokens' embedding`
        : undefined;
}

/** W_pos·A·B·W_posᵀ of the first positions [query, key]; NaN for keys that a causal head does not see. */
export function positionScores(
  subject: Subject,
  { a, b }: BilinearHead,
  count: number,
  algebra: LinearAlgebra
): Float32Array {
  const { dims, data } = subject.weights.read('W_pos', { range: [0, count] });
  const table: Matrix = { rows: dims[0], columns: dims[1], data: Float64Array.from(data as Float32Array) };
  const scores = algebra.multiply(algebra.multiply(algebra.multiply(table, a), b), transpose(table));
  return Float32Array.from(scores.data, (value, at) =>
    subject.tower.causal && at % count > Math.floor(at / count) ? NaN : value
  );
}
