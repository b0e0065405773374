/** Of a line through points, by least squares. */
export const slope = (xs: readonly number[], ys: readonly number[]): number => {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(xs), mean(ys)];
  const product = xs.reduce((sum, x, at) => sum + (x - mx) * (ys[at] - my), 0);
  return product / xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
};
