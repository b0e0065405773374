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

/** Sides of a matrix: [rows, columns]. */
export type Sides = readonly [number, number];

/** The largest in size of the groups of both axes: [rows, columns] of `matrix` → sides of `pooled`. Not the mean, so that single spikes survive. */
export function maxPool(matrix: Float32Array, [rows, columns]: Sides, [down, across]: Sides): Float32Array {
  const [rowGroup, columnGroup] = [groupsOf(rows, down), groupsOf(columns, across)];
  const pooled = new Float32Array(down * across);
  for (let row = 0, at = 0; row < rows; row++) {
    const base = rowGroup[row] * across;
    for (let column = 0; column < columns; column++, at++) {
      const cell = base + columnGroup[column];
      pooled[cell] = Math.abs(matrix[at]) > Math.abs(pooled[cell]) ? matrix[at] : pooled[cell];
    }
  }
  return pooled;
}

/** The group of each position. */
function groupsOf(n: number, size: number): Uint16Array {
  const edges = poolEdges(n, size);
  const group = new Uint16Array(n);
  for (let i = 0; i < size; i++) {
    group.fill(i, edges[i], edges[i + 1]);
  }
  return group;
}
