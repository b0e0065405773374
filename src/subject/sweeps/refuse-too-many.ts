/** Runs of a sweep, each a row that is held while the sweep goes on: all heads of 48 layers × 32 at 1,024 positions are 1,572,864. */
const MOST = 2 ** 21;

/** Throws for a sweep that would not end, before its rows are made. */
export const refuseTooMany = (changes: number, prompts: number): void => {
  if (changes * prompts > MOST) {
    throw new Error(
      `sweep too large: ${changes} changes of ${prompts} prompts are ${changes * prompts} runs, the most is ${MOST}; name fewer layers, heads, positions or prompts`
    );
  }
};
