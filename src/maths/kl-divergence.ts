/** KL(p‖q) = Σ p (ln p − ln q) in nats, from log-probabilities; a term with p = 0 is 0. */
export function klDivergence(logP: Float64Array, logQ: Float64Array): number {
  return logP.reduce((sum, log, i) => sum + (log > -Infinity ? Math.exp(log) * (log - logQ[i]) : 0), 0);
}
