import type { LinearAlgebra } from './linear-algebra';
import { transpose, type Matrix } from './matrix';
import { minimise } from './minimise';
import { principalDirections } from './principal-directions';

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

/** Of the gradient's largest entry, where the curvature is about one; and the most iterations. */
const TOLERANCE = 1e-6;
const ITERATIONS = 2000;
/** A typical p · (1 − p): what a probability's spread makes of a direction's size in the curvature. */
const SPREAD = 0.1;

/**
 * Minimises C · Σ −ln p(label) + ½ ‖weights‖² (intercepts are free), which is scikit-learn's LogisticRegression: for two classes
 * one weight vector, whose negative half and positive half are the two rows here; for more a softmax. Rows of `x` are samples.
 * It is done along the principal directions of `x`, each scaled so that the curvature is about one: L-BFGS then needs tens of steps, not
 * hundreds. Throws for fewer than two classes among the labels, and for labels that do not match the samples.
 */
export function fitLogistic(
  x: Matrix,
  labels: ArrayLike<number>,
  options: LogisticOptions,
  algebra: LinearAlgebra
): LogisticModel {
  checkLabels(x, labels, options.classes);
  const { classes, c } = options;
  const outputs = classes === 2 ? 1 : classes;
  const { directions, sizes } = principalDirections(x, algebra);
  const scaleOf = (curvature: number): number => 1 / Math.sqrt(curvature);
  const scales = Float64Array.of(...sizes.map(size => scaleOf(1 + c * size * SPREAD)), scaleOf(c * x.rows * SPREAD));
  const basis = scaledColumns(directions, scales);
  const samples = algebra.multiply(x, basis);
  const limits = { tolerance: TOLERANCE * scales.reduce((a, b) => Math.min(a, b), 1), iterations: ITERATIONS };
  const found = algebra.multiplying([transpose(samples), samples], ([logitsOf, slopesOf]) => {
    const fit = { samples, logitsOf, slopesOf, labels, c, scales };
    return minimise(
      (theta, gradient) => penalised(fit, theta, gradient),
      new Float64Array(outputs * scales.length),
      limits
    );
  });
  const { weights, intercepts } = outputs === 1 ? halves(found.x) : rowsOf(found.x, outputs);
  return {
    weights: algebra.multiply(weights, transpose(basis)),
    intercepts: intercepts.map(value => value * scales[scales.length - 1]),
    converged: found.converged
  };
}

function scaledColumns({ rows, columns, data }: Matrix, scales: Float64Array): Matrix {
  return { rows, columns, data: data.map((value, at) => value * scales[at % columns]) };
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

interface Fit {
  readonly samples: Pick<Matrix, 'rows' | 'columns'>;
  /** Weights [output, direction] · samplesᵀ. */
  readonly logitsOf: (weights: Matrix) => Matrix;
  /** Residuals [output, sample] · samples. */
  readonly slopesOf: (residuals: Matrix) => Matrix;
  readonly labels: ArrayLike<number>;
  readonly c: number;
  /** Of each direction, then of the intercept. */
  readonly scales: Float64Array;
}

/** `theta` is [output, feature + 1], the intercept last; a weight w along a scaled direction is scale · w, the intercept scale · b. */
function penalised(
  { samples, logitsOf, slopesOf, labels, c, scales }: Fit,
  theta: Float64Array,
  gradient: Float64Array
): number {
  const width = samples.columns + 1;
  const outputs = theta.length / width;
  const one = scales[samples.columns];
  const { weights, intercepts } = rowsOf(theta, outputs);
  const logits = logitsOf(weights).data;
  const logs = new Float64Array(Math.max(2, outputs));
  const residuals = new Float64Array(outputs * samples.rows);
  let loss = 0;
  gradient.fill(0);
  for (let i = 0; i < samples.rows; i++) {
    logs.fill(0);
    for (let k = 0; k < outputs; k++) {
      logs[outputs === 1 ? 1 : k] = one * intercepts[k] + logits[k * samples.rows + i];
    }
    normalise(logs, 0, logs.length);
    loss -= logs[labels[i]];
    for (let k = 0; k < outputs; k++) {
      const output = outputs === 1 ? 1 : k;
      const residual = c * (Math.exp(logs[output]) - (labels[i] === output ? 1 : 0));
      residuals[k * samples.rows + i] = residual;
      gradient[k * width + samples.columns] += residual * one;
    }
  }
  const slopes = slopesOf({ rows: outputs, columns: samples.rows, data: residuals }).data;
  for (let k = 0; k < outputs; k++) {
    gradient.set(slopes.subarray(k * samples.columns, (k + 1) * samples.columns), k * width);
  }
  return c * loss + penalty(theta, gradient, scales);
}

function penalty(theta: Float64Array, gradient: Float64Array, scales: Float64Array): number {
  const width = scales.length;
  let square = 0;
  for (let at = 0; at < theta.length; at++) {
    if (at % width < width - 1) {
      const own = theta[at] * scales[at % width] ** 2;
      square += theta[at] * own;
      gradient[at] += own;
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
