/** Share of a pattern's weight [query, key] that a head looking at all it sees alike has in common with it, mean of the rows that see more than one key. */
export function uniformShare(pattern: Float32Array, length: number, causal: boolean): number {
  const from = causal ? 1 : 0;
  let share = 0;
  for (let query = from; query < length; query++) {
    const seen = causal ? query + 1 : length;
    for (let key = 0; key < seen; key++) {
      share += Math.min(pattern[query * length + key], 1 / seen);
    }
  }
  return share / (length - from);
}
