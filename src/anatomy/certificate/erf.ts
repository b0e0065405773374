/** The error function 2/√π ∫₀ˣ e^(−t²) dt to 1e-15: its Taylor series (Abramowitz & Stegun 1964, 7.1.6) where it is short, else ±1 less the continued fraction of erfc (7.1.14). */
export const erf = (x: number): number => {
  const size = Math.abs(x);
  return size < SHORT ? series(x) : Math.sign(x) * (1 - complement(size));
};

const SHORT = 2.5;

/** 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1 · 3 · … · (2n + 1)) */
const series = (x: number): number => {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
};

const TERMS = 60;

/** e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 3⁄2/(x + …)))) */
const complement = (x: number): number => {
  let fraction = x;
  for (let n = TERMS; n > 0; n--) {
    fraction = x + n / 2 / fraction;
  }
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
};
