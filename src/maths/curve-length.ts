import type { Matrix } from './matrix';

/** Σ‖x_{i+1} − x_i‖ of the polygon through the rows, in their unit. */
export function curveLength({ rows, columns, data }: Matrix): number {
  let length = 0;
  for (let i = 1; i < rows; i++) {
    let square = 0;
    for (let k = 0, a = (i - 1) * columns, b = i * columns; k < columns; k++, a++, b++) {
      square += (data[b] - data[a]) ** 2;
    }
    length += Math.sqrt(square);
  }
  return length;
}
