import { topK } from '../../../maths/top-k';

/** A matrix of terms whose smaller rows and columns were added together: its sum is the same. */
export interface TopParts {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** [row][column] */
  readonly values: readonly Float64Array[];
}

const sizes = (values: readonly Float64Array[]): number[] =>
  values.map(row => row.reduce((sum, value) => sum + Math.abs(value), 0));

/** The `kept` largest rows and columns by the sum of their terms' sizes, in their order; the rest is 'other (17)'. */
export function topParts({ rows, columns, values }: TopParts, kept: number): TopParts {
  const byRow = merged(rows, values, kept);
  const byColumn = merged(columns, transposed(byRow.values, columns.length), kept);
  return { rows: byRow.names, columns: byColumn.names, values: transposed(byColumn.values, byRow.names.length) };
}

const transposed = (values: readonly Float64Array[], width: number): Float64Array[] =>
  Array.from({ length: width }, (_, column) => Float64Array.from(values, row => row[column]));

function merged(
  names: readonly string[],
  values: readonly Float64Array[],
  kept: number
): { readonly names: string[]; readonly values: Float64Array[] } {
  if (names.length <= kept + 1) {
    return { names: [...names], values: [...values] };
  }
  const top = new Set(topK(sizes(values), kept));
  const other = new Float64Array(values[0].length);
  values.forEach((row, at) => top.has(at) || row.forEach((value, column) => (other[column] += value)));
  const places = names.map((_, at) => at).filter(at => top.has(at));
  return {
    names: [...places.map(at => names[at]), `other (${names.length - kept})`],
    values: [...places.map(at => values[at]), other]
  };
}
