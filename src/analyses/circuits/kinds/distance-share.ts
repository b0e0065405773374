/**
 * How much of a pattern [query, key] the distance alone explains: 1 less the mean total variation distance between each row and what a head would
 * do that looks by distance only, its mean weight at each distance, made to sum to the row's own weight over what the row sees. The first row of
 * a causal model sees one key and does not count.
 */
export function distanceShare(pattern: Float32Array, length: number, causal: boolean): number {
  const profile = new Float64Array(2 * length);
  const counts = new Float64Array(2 * length);
  const seen = (query: number): number => (causal ? query + 1 : length);
  const from = causal ? 1 : 0;
  for (let query = from; query < length; query++) {
    for (let key = 0; key < seen(query); key++) {
      profile[query - key + length] += pattern[query * length + key];
      counts[query - key + length]++;
    }
  }
  profile.forEach((sum, at) => (profile[at] = counts[at] ? sum / counts[at] : 0));
  let share = 0;
  for (let query = from; query < length; query++) {
    let [weight, whole, overlap] = [0, 0, 0];
    for (let key = 0; key < seen(query); key++) {
      weight += pattern[query * length + key];
      whole += profile[query - key + length];
    }
    for (let key = 0; key < seen(query); key++) {
      overlap += Math.min(pattern[query * length + key], (profile[query - key + length] * weight) / (whole || 1));
    }
    share += weight > 0 ? overlap / weight : 0;
  }
  return share / (length - from);
}
