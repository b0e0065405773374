/** Indices of the k largest values, largest first; of equal values the lower index first. */
export function topK(values: ArrayLike<number>, k: number): number[] {
  const top: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (top.length === k && !(values[i] > values[top[k - 1]])) {
      continue;
    }
    let at = top.length;
    while (at > 0 && values[i] > values[top[at - 1]]) {
      at--;
    }
    top.splice(at, 0, i);
    top.length = Math.min(top.length, k);
  }
  return top;
}
