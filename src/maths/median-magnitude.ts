/** Median of |x|, the mean of the two middle ones where their number is even; NaN of none. By selection (Hoare 1961), in linear time on average. */
export function medianMagnitude(values: Float64Array): number {
  if (values.length === 0) {
    return NaN;
  }
  const sizes = values.map(Math.abs);
  const middle = Math.floor(sizes.length / 2);
  const upper = select(sizes, middle);
  if (sizes.length % 2) {
    return upper;
  }
  // What selection leaves in front of the middle is not above it.
  let lower = -Infinity;
  for (let i = 0; i < middle; i++) {
    lower = Math.max(lower, sizes[i]);
  }
  return (lower + upper) / 2;
}

/** The k-th smallest (from 0); reorders `a` so that what stands before it is not larger, and what stands behind it not smaller. */
function select(a: Float64Array, k: number): number {
  let [low, high] = [0, a.length - 1];
  while (low < high) {
    const pivot = a[(low + high) >> 1];
    let [i, j] = [low, high];
    while (i <= j) {
      while (a[i] < pivot) {
        i++;
      }
      while (a[j] > pivot) {
        j--;
      }
      if (i <= j) {
        const kept = a[i];
        a[i++] = a[j];
        a[j--] = kept;
      }
    }
    if (k <= j) {
      high = j;
    } else if (k >= i) {
      low = i;
    } else {
      break;
    }
  }
  return a[k];
}
