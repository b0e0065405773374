import type { Matrix } from './matrix';
import { minimise } from './minimise';

/** A multinomial logistic model: logits of class k = x · weights[k] + intercepts[k]. */
export interface LogisticModel {
  /** [class, feature]. */
  readonly weights: Matrix;
  readonly intercepts: Float64Array;
  readonly converged: boolean;
}

export interface LogisticOptions {
  readonly classes: number;
  /** Inverse strength of the penalty, scikit-learn's C. */
  readonly c: number;
}

/** Of the gradient's largest entry, for C = 1; and the most iterations. */
const TOLERANCE = 1e-8;
const ITERATIONS = 2000;

/**
 * Minimises C · Σ −ln p(label) + ½ ‖weights‖² (intercepts are free), which is scikit-learn's LogisticRegression: for two classes
 * one weight vector, whose negative half and positive half are the two rows here; for more a softmax. Rows of `x` are samples.
 * Throws for fewer than two classes among the labels, and for labels that do not match the samples.
 */
export function fitLogistic(x: Matrix, labels: ArrayLike<number>, options: LogisticOptions): LogisticModel {
  checkLabels(x, labels, options.classes);
  const { classes, c } = options;
  const outputs = classes === 2 ? 1 : classes;
  const width = x.columns + 1;
  const loss = (theta: Float64Array, gradient: Float64Array): number =>
    penalised(x, labels, c, theta, gradient, outputs);
  const limits = { tolerance: TOLERANCE * c, iterations: ITERATIONS };
  const { x: theta, converged } = minimise(loss, new Float64Array(outputs * width), limits);
  return { ...(outputs === 1 ? halves(theta) : rowsOf(theta, outputs)), converged };
}

/** Log-probabilities [sample, class]. */
export function logisticLogProbabilities({ weights, intercepts }: LogisticModel, x: Matrix): Matrix {
  const classes = weights.rows;
  const data = new Float64Array(x.rows * classes);
  for (let i = 0; i < x.rows; i++) {
    const row = x.data.subarray(i * x.columns, (i + 1) * x.columns);
    for (let k = 0; k < classes; k++) {
      data[i * classes + k] = intercepts[k] + product(row, weights.data, k * x.columns);
    }
    normalise(data, i * classes, classes);
  }
  return { rows: x.rows, columns: classes, data };
}

function checkLabels(x: Matrix, labels: ArrayLike<number>, classes: number): void {
  if (labels.length !== x.rows) {
    throw new Error(`logistic regression: ${labels.length} labels for ${x.rows} samples`);
  }
  const seen = new Set(Array.from(labels));
  const strange = [...seen].find(label => !Number.isInteger(label) || label < 0 || label >= classes);
  if (strange !== undefined) {
    throw new Error(`logistic regression: label ${strange} is not one of ${classes} classes`);
  }
  if (seen.size < 2) {
    throw new Error(`logistic regression: all ${x.rows} samples have the same label`);
  }
}

const product = (row: Float64Array, theta: Float64Array, at: number): number => {
  let sum = 0;
  for (let j = 0; j < row.length; j++) {
    sum += row[j] * theta[at + j];
  }
  return sum;
};

/** Takes ln Σ exp off `count` entries; returns it. */
const normalise = (logits: Float64Array, at: number, count: number): void => {
  let largest = -Infinity;
  for (let k = at; k < at + count; k++) {
    largest = Math.max(largest, logits[k]);
  }
  let sum = 0;
  for (let k = at; k < at + count; k++) {
    sum += Math.exp(logits[k] - largest);
  }
  const shift = largest + Math.log(sum);
  for (let k = at; k < at + count; k++) {
    logits[k] -= shift;
  }
};

/** `theta` is [output, feature + 1], the intercept last. */
function penalised(
  x: Matrix,
  labels: ArrayLike<number>,
  c: number,
  theta: Float64Array,
  gradient: Float64Array,
  outputs: number
): number {
  const width = x.columns + 1;
  const logs = new Float64Array(Math.max(2, outputs));
  let loss = 0;
  gradient.fill(0);
  for (let i = 0; i < x.rows; i++) {
    const row = x.data.subarray(i * x.columns, (i + 1) * x.columns);
    logs.fill(0);
    for (let k = 0; k < outputs; k++) {
      logs[outputs === 1 ? 1 : k] = theta[k * width + x.columns] + product(row, theta, k * width);
    }
    normalise(logs, 0, logs.length);
    loss -= logs[labels[i]];
    for (let k = 0; k < outputs; k++) {
      const output = outputs === 1 ? 1 : k;
      const residual = c * (Math.exp(logs[output]) - (labels[i] === output ? 1 : 0));
      for (let j = 0, at = k * width; j < row.length; j++, at++) {
        gradient[at] += residual * row[j];
      }
      gradient[k * width + x.columns] += residual;
    }
  }
  return c * loss + penalty(theta, gradient, width);
}

function penalty(theta: Float64Array, gradient: Float64Array, width: number): number {
  let square = 0;
  for (let at = 0; at < theta.length; at++) {
    if (at % width < width - 1) {
      square += theta[at] ** 2;
      gradient[at] += theta[at];
    }
  }
  return square / 2;
}

type Rows = Pick<LogisticModel, 'weights' | 'intercepts'>;

function rowsOf(theta: Float64Array, classes: number): Rows {
  const width = theta.length / classes;
  const data = theta.filter((_, at) => at % width < width - 1);
  return {
    weights: { rows: classes, columns: width - 1, data },
    intercepts: theta.filter((_, at) => at % width === width - 1)
  };
}

/** ±θ/2: the softmax of the two rows is the logistic function of θ. */
function halves(theta: Float64Array): Rows {
  return rowsOf(Float64Array.of(...theta.map(value => -value / 2), ...theta.map(value => value / 2)), 2);
}
