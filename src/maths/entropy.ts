/** Shannon entropy −Σ p ln p of a distribution, in nats; 0 ln 0 = 0. */
export function entropy(probabilities: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i];
    sum -= p > 0 ? p * Math.log(p) : 0;
  }
  return sum;
}

/** The same from log-probabilities. */
export function entropyOfLogs(logs: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < logs.length; i++) {
    sum -= logs[i] > -Infinity ? Math.exp(logs[i]) * logs[i] : 0;
  }
  return sum;
}
