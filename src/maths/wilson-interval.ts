/** Of the normal distribution: 97.5 %. */
const Z = 1.959963984540054;

/**
 * Wilson's 95 % interval of a share that `n` independent trials estimate (Wilson 1927): inside 0 … 1, and no point where the share is 0 or 1. For means
 * of n numbers in 0 … 1 it is wide enough, too: their variance is at most share · (1 − share).
 */
export function wilsonInterval(share: number, n: number): [number, number] {
  const weight = Z ** 2 / n;
  const middle = (share + weight / 2) / (1 + weight);
  const half = (Z * Math.sqrt((share * (1 - share)) / n + weight / (4 * n))) / (1 + weight);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}
