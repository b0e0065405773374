import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { linearAlgebra } from '../../src/maths/linear-algebra';
import { fitLogistic } from '../../src/maths/logistic-regression';
import { matrix } from '../../src/maths/matrix';

interface Set {
  readonly x: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly c: number;
  /** Of two classes one row. */
  readonly coefficients: readonly (readonly number[])[];
  readonly intercepts: readonly number[];
}

/** What test/fixtures/probe_sets.py wrote. */
const SETS = JSON.parse(readFileSync(join(__dirname, '../fixtures/analyses/probe-sets.json'), 'utf8')) as Readonly<
  Record<string, Set>
>;

/** Both stop where the gradient is small, not at the same point. */
const ABSOLUTE = 1e-4;

test.each(Object.entries(SETS))('%s: coefficients as by scikit-learn', async (_, set) => {
  const { x, labels, c, coefficients, intercepts } = set;
  const classes = Math.max(...labels) + 1;
  const points = matrix(x.length, x[0].length, Float64Array.from(x.flat()));
  const found = fitLogistic(points, labels, { classes, c }, await linearAlgebra());
  const weights = (k: number): number[] =>
    Array.from(found.weights.data.subarray(k * points.columns, (k + 1) * points.columns));
  // Of two classes scikit-learn has one row, their difference.
  const [none, one] = [weights(0), weights(1)];
  const rows = classes === 2 ? [one.map((value, i) => value - none[i])] : intercepts.map((__, k) => weights(k));
  const free = classes === 2 ? [found.intercepts[1] - found.intercepts[0]] : Array.from(found.intercepts);
  coefficients.forEach((row, k) =>
    row.forEach((value, i) => expect(Math.abs(rows[k][i] - value)).toBeLessThan(ABSOLUTE))
  );
  intercepts.forEach((value, k) => expect(Math.abs(free[k] - value)).toBeLessThan(ABSOLUTE));
  expect(found.converged).toBe(true);
});
