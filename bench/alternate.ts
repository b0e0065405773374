/** Two sides timed in turn, so that a busy machine disturbs both alike. Milliseconds. */
export interface Comparison {
  /** Median over the rounds of after / before. */
  readonly ratio: number;
  /** Quartiles of that ratio. */
  readonly quartiles: readonly [number, number];
  readonly before: number;
  readonly after: number;
}

const WARM_UP = 3;

/** The order within a round alternates too. */
export const alternate = async (
  before: () => Promise<unknown>,
  after: () => Promise<unknown>,
  rounds: number
): Promise<Comparison> => {
  const times: { before: number; after: number }[] = [];
  for (let round = -WARM_UP; round < rounds; round++) {
    const first = round % 2 === 0 ? await timed(before) : await timed(after);
    const second = round % 2 === 0 ? await timed(after) : await timed(before);
    if (round >= 0) {
      times.push(round % 2 === 0 ? { before: first, after: second } : { before: second, after: first });
    }
  }
  const ratios = times.map(time => time.after / time.before);
  return {
    ratio: quantile(ratios, 0.5),
    quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    before: quantile(
      times.map(time => time.before),
      0.5
    ),
    after: quantile(
      times.map(time => time.after),
      0.5
    )
  };
};

export const timed = async (run: () => unknown): Promise<number> => {
  const start = performance.now();
  await run();
  return performance.now() - start;
};

/** Linear between order statistics. */
export const quantile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
};
