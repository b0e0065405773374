/** KL(p‖q) = Σ p (ln p − ln q) in nats, from log-probabilities; a term with p = 0 is 0. */
export function klDivergence(logP: Float64Array, logQ: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < logP.length; i++) {
    sum += logP[i] > -Infinity ? Math.exp(logP[i]) * (logP[i] - logQ[i]) : 0;
  }
  return sum;
}
