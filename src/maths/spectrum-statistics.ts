/** What a matrix's singular values say about its size and rank; norms in the weights' unit, ranks are pure numbers. */
export interface SpectrumStatistics {
  /** ‖W‖₂, the largest singular value. */
  readonly spectral: number;
  /** ‖W‖_F = √Σσ². */
  readonly frobenius: number;
  /** ‖W‖_F² / ‖W‖₂². */
  readonly stableRank: number;
  /** exp(−Σ p ln p) with p = σ/Σσ (Roy & Vetterli 2007). */
  readonly effectiveRank: number;
  /** (Σσ²)² / Σσ⁴: the participation ratio of WᵀW's eigenvalues. */
  readonly participationRatio: number;
}

/** Of singular values in any order. A matrix of zeros has ranks of 0. */
export function spectrumStatistics(singular: Float64Array): SpectrumStatistics {
  const spectral = singular.reduce((a, b) => Math.max(a, b), 0);
  if (spectral === 0) {
    return { spectral, frobenius: 0, stableRank: 0, effectiveRank: 0, participationRatio: 0 };
  }
  // Relative to the largest, so that squares neither overflow nor vanish.
  const shares = singular.map(value => value / spectral);
  const sum = (power: number): number => shares.reduce((total, value) => total + value ** power, 0);
  const [first, second, fourth] = [sum(1), sum(2), sum(4)];
  const entropy = shares.reduce(
    (total, value) => (value > 0 ? total - (value / first) * Math.log(value / first) : total),
    0
  );
  return {
    spectral,
    frobenius: spectral * Math.sqrt(second),
    stableRank: second,
    effectiveRank: Math.exp(entropy),
    participationRatio: second ** 2 / fourth
  };
}

/** (Σλ)² / Σλ² of eigenvalues λ ≥ 0; 0 where all are 0. Gao et al. 2017. */
export function participationRatio(eigenvalues: ArrayLike<number>): number {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < eigenvalues.length; i++) {
    sum += eigenvalues[i];
    squares += eigenvalues[i] ** 2;
  }
  return squares === 0 ? 0 : sum ** 2 / squares;
}
