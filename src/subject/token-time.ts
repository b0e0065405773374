/** How long whole forwards take on this machine, by what those that were made took. */
export interface TokenTime {
  record(tokens: number, milliseconds: number): void;
  /** Milliseconds of a token; undefined before the first run. */
  each(): number | undefined;
}

/** The least is kept: a first run allocates, and a run of few tokens waits for the weights. */
export const tokenTime = (): TokenTime => {
  let least: number | undefined;
  return {
    record: (tokens, milliseconds) => {
      least = Math.min(least ?? Infinity, milliseconds / tokens);
    },
    each: () => least
  };
};
