const MOST = 3;

/** The names nearest to a wrong one by edit distance, at most three, none that shares less than half with it. */
export const nearNames = (wrong: string, names: readonly string[]): readonly string[] =>
  names
    .map(name => ({ name, distance: editDistance(wrong, name) }))
    .filter(({ name, distance }) => distance <= Math.max(wrong.length, name.length) / 2)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MOST)
    .map(({ name }) => name);

/** ' (nearest: a, b)' or ''. */
export const nearest = (wrong: string, names: readonly string[]): string => {
  const near = nearNames(wrong, names);
  return near.length > 0 ? ` (nearest: ${near.join(', ')})` : '';
};

/** Levenshtein's, on the first 100 characters. */
const editDistance = (a: string, b: string): number => {
  const [left, right] = [a.slice(0, 100), b.slice(0, 100)];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const change = left[row - 1] === right[column - 1] ? 0 : 1;
      current.push(Math.min(previous[column] + 1, current[column - 1] + 1, previous[column - 1] + change));
    }
    previous = current;
  }
  return previous[right.length];
};
