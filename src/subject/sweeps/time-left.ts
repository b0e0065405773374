/** Seconds before anything is said (first runs make their sessions), and the least that is worth saying. */
const [SILENT, LEAST] = [3, 2];

/** Seconds that the rest of `total` takes, by what was done of it; undefined at the beginning and near the end. */
export const timeLeft = (
  total: number,
  now = (): number => performance.now()
): ((done: number) => number | undefined) => {
  const started = now();
  return done => {
    const seconds = (now() - started) / 1000;
    const rest = (seconds * (total - done)) / done;
    return done > 0 && seconds >= SILENT && rest >= LEAST ? rest : undefined;
  };
};
