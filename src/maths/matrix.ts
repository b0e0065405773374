/** Row by row: element (i, j) is data[i · columns + j]. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** Throws where the data do not fill the shape. */
export function matrix(rows: number, columns: number, data: ArrayLike<number>): Matrix {
  if (data.length !== rows * columns) {
    throw new Error(`matrix malformed: ${data.length} numbers for [${rows}, ${columns}]`);
  }
  return { rows, columns, data: data instanceof Float64Array ? data : Float64Array.from(data) };
}

export function transpose({ rows, columns, data }: Matrix): Matrix {
  const turned = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      turned[j * rows + i] = data[i * columns + j];
    }
  }
  return { rows: columns, columns: rows, data: turned };
}

/** Each column less its mean. */
export function centreColumns({ rows, columns, data }: Matrix): Matrix {
  const means = new Float64Array(columns);
  const centred = new Float64Array(data.length);
  for (let from = 0; from < data.length; from += columns) {
    for (let j = 0; j < columns; j++) {
      means[j] += data[from + j] / rows;
    }
  }
  for (let from = 0; from < data.length; from += columns) {
    for (let j = 0; j < columns; j++) {
      centred[from + j] = data[from + j] - means[j];
    }
  }
  return { rows, columns, data: centred };
}

/** What is left of columns that are constant over the rows when their mean is taken away: rounding of double precision. */
const ROUNDING = 1e-12;

/** All rows are the same, up to rounding. */
export function isConstant(a: Matrix): boolean {
  const size = ({ data }: Matrix): number => Math.sqrt(data.reduce((sum, value) => sum + value ** 2, 0));
  return size(centreColumns(a)) <= ROUNDING * size(a);
}
