/** Gives each hint back as it is, or with a number behind it where that name is taken or was given before. */
export const uniqueNames = (taken: Iterable<string>): ((hint: string) => string) => {
  const used = new Set(taken);
  const counts = new Map<string, number>();
  return hint => {
    let name = hint;
    let count = counts.get(hint) ?? 0;
    while (used.has(name)) {
      name = `${hint}_${++count}`;
    }
    counts.set(hint, count);
    used.add(name);
    return name;
  };
};
