/** ln softmax of one row, shifted by its largest value; double precision. */
export function logSoftmax(row: ArrayLike<number>): Float64Array {
  let largest = -Infinity;
  for (let i = 0; i < row.length; i++) {
    largest = Math.max(largest, row[i]);
  }
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    sum += Math.exp(row[i] - largest);
  }
  const shift = largest + Math.log(sum);
  const logs = new Float64Array(row.length);
  for (let i = 0; i < row.length; i++) {
    logs[i] = row[i] - shift;
  }
  return logs;
}
