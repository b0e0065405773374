/** A power law p(x) ∝ x^−α fitted to the tail x ≥ xMin. */
export interface PowerLaw {
  readonly alpha: number;
  /** (α − 1)/√n of the tail. */
  readonly sigma: number;
  readonly xMin: number;
  /** Kolmogorov–Smirnov distance between the tail and the fit. */
  readonly distance: number;
  /** Values in the tail. */
  readonly tail: number;
}

/**
 * Clauset, Shalizi & Newman 2009, as Martin & Mahoney 2021 apply it to spectra: for each x_min the maximum-likelihood exponent
 * α = 1 + n/Σ ln(x/x_min), and of all x_min the one with the smallest distance D. Values in any order; those that are not positive
 * are left out. Undefined for fewer than two different positive values.
 */
export function fitPowerLaw(values: ArrayLike<number>): PowerLaw | undefined {
  const sorted = Float64Array.from(values)
    .filter(value => value > 0 && value < Infinity)
    .sort();
  const logs = sorted.map(Math.log);
  const count = sorted.length;
  let rest = logs.reduce((a, b) => a + b, 0);
  let best: PowerLaw | undefined;
  for (let start = 0; start < count - 1; start++) {
    const tail = count - start;
    const excess = rest - tail * logs[start];
    const alpha = 1 + tail / excess;
    if (excess > 0 && alpha < Infinity) {
      const distance = ksDistance(logs, start, alpha, best?.distance ?? Infinity);
      if (distance < (best?.distance ?? Infinity)) {
        best = { alpha, sigma: (alpha - 1) / Math.sqrt(tail), xMin: sorted[start], distance, tail };
      }
    }
    rest -= logs[start];
  }
  return best;
}

/** max |1 − (x/x_min)^{1−α} − i/n| over the tail; ends early where it cannot be the smallest. */
function ksDistance(logs: Float64Array, start: number, alpha: number, enough: number): number {
  const tail = logs.length - start;
  let worst = 0;
  for (let i = 0; i < tail && worst < enough; i++) {
    const fitted = -Math.expm1((1 - alpha) * (logs[start + i] - logs[start]));
    worst = Math.max(worst, Math.abs(fitted - i / tail));
  }
  return worst;
}
