/** Of the straight line through the points, by least squares. NaN where all x are equal. */
export function slope(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value / values.length, 0);
  const [mx, my] = [mean(x), mean(y)];
  const square = x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
  return x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0) / square;
}
