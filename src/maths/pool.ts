/**
 * Edges of `size` groups of the positions 0 … n−1: group i is [edges[i], edges[i+1]). The first position stands alone, so
 * that the attention sink can be hidden in a pooled picture too; with size = n every group is one position.
 */
export function poolEdges(n: number, size: number): number[] {
  const edges = [0];
  for (let i = 1; i < size; i++) {
    edges.push(1 + Math.floor(((i - 1) * (n - 1)) / (size - 1)));
  }
  edges.push(n);
  return edges;
}

/** The largest in size of the groups of both axes: [n, n] at `offset` of `matrix` → [size, size]. Not the mean, so that single spikes survive. */
export function maxPool(matrix: Float32Array, offset: number, n: number, size: number): Float32Array {
  const edges = poolEdges(n, size);
  const group = new Uint16Array(n);
  for (let i = 0; i < size; i++) {
    group.fill(i, edges[i], edges[i + 1]);
  }
  const pooled = new Float32Array(size * size);
  for (let row = 0, at = offset; row < n; row++) {
    const base = group[row] * size;
    for (let column = 0; column < n; column++, at++) {
      const cell = base + group[column];
      pooled[cell] = Math.abs(matrix[at]) > Math.abs(pooled[cell]) ? matrix[at] : pooled[cell];
    }
  }
  return pooled;
}
