/** Weights [query, key] of a head that looks at all it sees alike. */
export function uniformAttention(length: number, causal: boolean): Float32Array {
  const pattern = new Float32Array(length ** 2);
  for (let query = 0; query < length; query++) {
    const seen = causal ? query + 1 : length;
    pattern.fill(1 / seen, query * length, query * length + seen);
  }
  return pattern;
}
