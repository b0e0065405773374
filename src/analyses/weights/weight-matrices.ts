import { matrix, type Matrix } from '../../maths/matrix';
import type { WeightName } from '../../subject/weights/weight-table';
import type { Subject } from '../../subject/subject';

/** One map of the model, as a matrix that rows are multiplied by. */
export interface WeightMatrix {
  /** 'W_in 3', 'W_E'. */
  readonly name: string;
  readonly kind: WeightName;
  readonly layer: number | null;
  /** Rows together, in parts of at most `bytes` single precision numbers; one part for a map of a layer. */
  parts(bytes: number): Generator<Matrix>;
}

const IN_LAYERS: readonly WeightName[] = ['W_Q', 'W_K', 'W_V', 'W_O', 'W_in', 'W_gate', 'W_out'];
const TABLES: readonly WeightName[] = ['W_E', 'W_pos', 'W_U'];

/** Kinds of maps that the model has, in the order of the block. */
export const matrixKinds = (subject: Subject): readonly WeightName[] =>
  [...IN_LAYERS, ...TABLES].filter(name => subject.weights.names.includes(name));

/** Maps of the chosen layers, heads side by side, and the tables (W_U as [d_vocab, d_model]; not where it is W_E itself). Nothing is read yet. */
export function weightMatrices(subject: Subject, layers: readonly number[], tables: boolean): readonly WeightMatrix[] {
  const { embedding, head } = subject.tower;
  const tied = embedding?.weight !== undefined && head?.unembed.weight === embedding.weight;
  const kinds = matrixKinds(subject);
  return [
    ...layers.flatMap(layer =>
      IN_LAYERS.filter(kind => kinds.includes(kind)).map(kind => ({
        name: `${kind} ${layer}`,
        kind,
        layer,
        parts: function* () {
          yield ofLayer(subject, kind, layer);
        }
      }))
    ),
    ...TABLES.filter(kind => tables && kinds.includes(kind) && !(kind === 'W_U' && tied)).map(kind => ({
      name: kind,
      kind,
      layer: null,
      parts: (bytes: number) => ofTable(subject, kind, bytes)
    }))
  ];
}

/** [1, head, d_model, d_head] → [d_model, heads · d_head]; [1, head, d_head, d_model] of W_O → [heads · d_head, d_model]; others as they are. */
function ofLayer(subject: Subject, kind: WeightName, layer: number): Matrix {
  const { dims, data } = subject.weights.read(kind, { layers: [layer] });
  const values = data as Float32Array;
  if (dims.length === 3) {
    return matrix(dims[1], dims[2], values);
  }
  const [, heads, rows, columns] = dims;
  if (kind === 'W_O') {
    return matrix(heads * rows, columns, values);
  }
  const joined = new Float64Array(values.length);
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < rows; row++) {
      const from = (head * rows + row) * columns;
      joined.set(values.subarray(from, from + columns), (row * heads + head) * columns);
    }
  }
  return matrix(rows, heads * columns, joined);
}

function* ofTable(subject: Subject, kind: WeightName, bytes: number): Generator<Matrix> {
  for (const { tensor } of subject.weights.chunks(kind, bytes)) {
    const [rows, columns] = tensor.dims;
    const values = tensor.data as Float32Array;
    if (kind === 'W_U') {
      const turned = new Float64Array(values.length);
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          turned[j * rows + i] = values[i * columns + j];
        }
      }
      yield matrix(columns, rows, turned);
    } else {
      yield matrix(rows, columns, values);
    }
  }
}
