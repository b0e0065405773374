/** Means and deviations of many numbers over prompts, none of which is kept. */
export class Sums {
  private readonly sum: Float64Array;
  private readonly square: Float64Array;
  private count = 0;

  constructor(length: number) {
    this.sum = new Float64Array(length);
    this.square = new Float64Array(length);
  }

  /** Welford's recurrence: mean and sum of squared deviations. */
  add(values: ArrayLike<number>): void {
    this.count++;
    for (let at = 0; at < this.sum.length; at++) {
      const delta = values[at] - this.sum[at];
      this.sum[at] += delta / this.count;
      this.square[at] += delta * (values[at] - this.sum[at]);
    }
  }

  mean = (at: number): number => this.sum[at];
  deviation = (at: number): number => (this.count > 1 ? Math.sqrt(this.square[at] / (this.count - 1)) : 0);
  get means(): Float64Array {
    return this.sum;
  }
}
