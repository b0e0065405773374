/** Value at `x`; the gradient there is written to `gradient`. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

export interface Minimum {
  readonly x: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** The largest entry of the gradient is at most the tolerance. */
  readonly converged: boolean;
}

export interface MinimiseOptions {
  /** Of the largest entry of the gradient. */
  readonly tolerance: number;
  readonly iterations: number;
}

/** Pairs of steps and gradient changes that stand for the curvature. */
const MEMORY = 30;
/** Armijo's and Wolfe's constants, as in Nocedal & Wright 2006, §3.1. */
const DECREASE = 1e-4;
const CURVATURE = 0.9;
const MOST_TRIALS = 40;
/** Near the minimum, values differ by rounding only; the slope decides then. */
const ROUNDING = 1e-14;

/** L-BFGS (Nocedal & Wright 2006, algorithm 7.5) from `start`, for smooth functions. */
export function minimise(
  objective: Objective,
  start: Float64Array,
  { tolerance, iterations }: MinimiseOptions
): Minimum {
  let x = start.slice();
  let gradient = new Float64Array(x.length);
  let value = objective(x, gradient);
  const pairs: Pair[] = [];
  for (let iteration = 0; iteration < iterations; iteration++) {
    if (largest(gradient) <= tolerance) {
      return { x, value, iterations: iteration, converged: true };
    }
    const direction = descent(gradient, pairs);
    const length = pairs.length > 0 ? 1 : Math.min(1, 1 / norm(gradient));
    const next = search(objective, { x, value, gradient }, direction, length);
    if (next === undefined) {
      break;
    }
    remember(pairs, next, { x, value, gradient });
    ({ x, value, gradient } = next);
  }
  return { x, value, iterations, converged: largest(gradient) <= tolerance };
}

interface Point {
  readonly x: Float64Array<ArrayBuffer>;
  readonly value: number;
  readonly gradient: Float64Array<ArrayBuffer>;
}

/** A step, the change of the gradient along it, and 1/(their product). */
interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly rho: number;
}

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += a[i] * b[i];
  }
  return sum;
};
const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));
const largest = (a: Float64Array): number => a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const add = (to: Float64Array, scale: number, a: Float64Array): void => {
  for (let i = 0; i < to.length; i++) {
    to[i] += scale * a[i];
  }
};

/** −H·gradient by the two-loop recursion. */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map(value => -value);
  const weights = pairs.map(() => 0);
  for (let i = pairs.length - 1; i >= 0; i--) {
    weights[i] = pairs[i].rho * dot(pairs[i].step, direction);
    add(direction, -weights[i], pairs[i].change);
  }
  const last = pairs.at(-1);
  if (last) {
    const scale = 1 / (last.rho * dot(last.change, last.change));
    direction.forEach((value, i) => (direction[i] = value * scale));
  }
  pairs.forEach(({ step, change, rho }, i) => add(direction, weights[i] - rho * dot(change, direction), step));
  return direction;
}

/** A step length that fulfils the weak Wolfe conditions, by bisection and doubling. */
function search(objective: Objective, from: Point, direction: Float64Array, first: number): Point | undefined {
  const slope = dot(from.gradient, direction);
  const allowance = ROUNDING * Math.abs(from.value);
  let [low, high, length] = [0, Infinity, first];
  let best: Point | undefined;
  for (let trial = 0; trial < MOST_TRIALS; trial++) {
    const x = from.x.slice();
    add(x, length, direction);
    const gradient = new Float64Array(x.length);
    const value = objective(x, gradient);
    if (!(value <= from.value + DECREASE * length * slope + allowance)) {
      high = length;
    } else {
      best = { x, value, gradient };
      if (dot(gradient, direction) >= CURVATURE * slope) {
        return best;
      }
      low = length;
    }
    length = high < Infinity ? (low + high) / 2 : 2 * low;
  }
  return best;
}

/** A pair without positive curvature says nothing about a convex function, and is left out. */
function remember(pairs: Pair[], next: Point, last: Point): void {
  const step = next.x.map((value, i) => value - last.x[i]);
  const change = next.gradient.map((value, i) => value - last.gradient[i]);
  const product = dot(step, change);
  if (product > 1e-300) {
    pairs.push({ step, change, rho: 1 / product });
    pairs.splice(0, pairs.length - MEMORY);
  }
}
