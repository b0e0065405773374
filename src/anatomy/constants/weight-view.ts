import type { Projection } from '../anatomy';
import type { Matrix } from '../certificate/layer-maths';

/** A projection's weight as [in, out] wherever its numbers lie: element (i, o) is data[rows[i] + columns[o]]. */
export interface WeightView {
  readonly data: Matrix['data'];
  readonly rows: Int32Array;
  /** The projection's own, head after head. */
  readonly columns: Int32Array;
}

/** Undefined where the stored tensor is not a matrix that the projection can be. */
export const weightView = (stored: Matrix, projection: Projection): WeightView | undefined => {
  const { perm, rows: split } = projection.layout ?? { perm: [0, 1], rows: 1 };
  // Tables of positions are often kept as [1, rows, width].
  const dims =
    stored.dims.length === 3 && perm.length === 2 && stored.dims[0] === 1 ? stored.dims.slice(1) : stored.dims;
  if (perm.length !== dims.length) {
    return undefined;
  }
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((product, size) => product * size, 1));
  const axes = perm.map(axis => ({ size: dims[axis], stride: strides[axis] }));
  const parts = [offsets(axes.slice(0, split)), offsets(axes.slice(split))];
  const [rows, all] = projection.transposed ? parts.reverse() : parts;
  const columns = Int32Array.from(ownColumns(projection, all.length), at => all[at]);
  return { data: stored.data, rows, columns };
};

/** Of each place of some axes, the last of them fastest. */
const offsets = (axes: readonly { readonly size: number; readonly stride: number }[]): Int32Array =>
  axes.reduce(
    (outer, { size, stride }) =>
      Int32Array.from({ length: outer.length * size }, (_, at) => outer[Math.floor(at / size)] + (at % size) * stride),
    Int32Array.of(0)
  );

/** Indices on the weight's output axis of `total`, head after head where several projections are packed. */
export const ownColumns = ({ columns, perHead }: Projection, total: number): Int32Array => {
  if (!perHead) {
    const [start, end] = columns ?? [0, total];
    return Int32Array.from({ length: end - start }, (_, at) => start + at);
  }
  const { offset, stride, width } = perHead;
  return Int32Array.from(
    { length: Math.floor(total / stride) * width },
    (_, at) => Math.floor(at / width) * stride + offset + (at % width)
  );
};

/** A part of the view copied to [row, column]. */
export const copyView = (
  { data, rows, columns }: WeightView,
  [r0, r1]: readonly [number, number],
  [c0, c1]: readonly [number, number],
  out: Float32Array
): void => {
  const width = c1 - c0;
  for (let r = r0; r < r1; r++) {
    for (let c = c0; c < c1; c++) {
      out[(r - r0) * width + c - c0] = data[rows[r] + columns[c]];
    }
  }
};
