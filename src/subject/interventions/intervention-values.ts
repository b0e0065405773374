import type { Tensor } from '../../onnx/tensor';
import { INTERVENTION_OPS } from './intervention-ops';
import { selectedCount, type AxisSelection, type Change } from './intervention-selection';

/** Fed to an affine stage: x' = value where `select`, else scale · x + shift. */
export interface AffineValues {
  readonly select: Tensor;
  readonly value: Tensor;
  readonly scale: Tensor;
  readonly shift: Tensor;
}

const MOST_ELEMENTS = 2 ** 26;

const affineDims = (changes: readonly Change[]): readonly number[] =>
  changes[0].selection.map(({ size }, axis) =>
    changes.some(({ selection, operand }) => selection[axis].chosen ?? operand.dims[axis] > 1) ? size : 1
  );

/** Bytes that are fed to an affine stage: a flag and three numbers an element. */
export const affineBytes = (changes: readonly Change[]): number => 13 * countOf(affineDims(changes));

/** Bytes that are fed to a projection. */
export const projectBytes = ({ selection, operand }: Change): number => {
  const count = countOf(projectDims(selection, operand));
  return 4 * count * (1 + selection[selection.length - 1].size);
};

/** The changes one after the other as one affine map of every element; axes on which they do not vary have size 1. */
export const affineValues = (changes: readonly Change[]): AffineValues => {
  const dims = affineDims(changes);
  const count = countOf(dims);
  const [select, value, shift] = [new Uint8Array(count), new Float32Array(count), new Float32Array(count)];
  const scale = new Float32Array(count).fill(1);
  for (const { op, alpha, selection, operand } of changes) {
    const { mix } = INTERVENTION_OPS[op];
    eachSelected(dims, selection, operand, (at, other) => {
      const { kept, taken } = mix?.(other, alpha) ?? { kept: 0, taken: 1 };
      const added = taken === 0 ? 0 : taken * other;
      if (kept === 0) {
        select[at] = 1;
        value[at] = added;
      } else {
        value[at] = value[at] * kept + added;
        shift[at] = shift[at] * kept + added;
        scale[at] *= kept;
      }
    });
  }
  return {
    select: { dims, type: 'bool', data: select },
    value: { dims, type: 'float32', data: value },
    scale: { dims, type: 'float32', data: scale },
    shift: { dims, type: 'float32', data: shift }
  };
};

/** Fed to a projection: x' = x − gate · (x·u) u for the unit vectors u of the operand. */
export const projectValues = ({
  selection,
  operand
}: Change): { readonly gate: Tensor; readonly direction: Tensor } => {
  const last = selection.length - 1;
  const width = selection[last].size;
  const dims = projectDims(selection, operand);
  const gate = new Float32Array(countOf(dims));
  const direction = new Float32Array(countOf(dims) * width);
  const rows = { ...operand, dims: [...operand.dims.slice(0, last), 1], data: rowNumbers(operand.data.length / width) };
  eachSelected(dims, [...selection.slice(0, last), { size: 1 }], rows, (at, row) => {
    gate[at] = 1;
    direction.set((operand.data as Float32Array).subarray(row * width, (row + 1) * width), at * width);
  });
  return {
    gate: { dims, type: 'float32', data: gate },
    direction: { dims: [...dims.slice(0, last), width], type: 'float32', data: direction }
  };
};

const projectDims = (selection: Change['selection'], operand: Tensor): readonly number[] =>
  selection.map(({ size, chosen }, axis) =>
    axis !== selection.length - 1 && (chosen ?? operand.dims[axis] > 1) ? size : 1
  );

const rowNumbers = (count: number): Float32Array => Float32Array.from({ length: count }, (_, row) => row);

const countOf = (dims: readonly number[]): number => {
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count > MOST_ELEMENTS) {
    throw new Error(`interventions too large: [${dims.join(', ')}] values at one hook, at most ${MOST_ELEMENTS}`);
  }
  return count;
};

/** Calls `visit` with the place in an array of `dims` and the operand's number for each selected element. */
const eachSelected = (
  dims: readonly number[],
  selection: readonly AxisSelection[],
  operand: Tensor,
  visit: (at: number, other: number) => void
): void => {
  const walk = (axis: number, at: number, from: number): void => {
    if (axis === dims.length) {
      visit(at, Number(operand.data[from]));
      return;
    }
    const { chosen } = selection[axis];
    // An axis with chosen places has its own size; of none, nothing is visited.
    const count = chosen === undefined && dims[axis] === 1 ? 1 : selectedCount(selection[axis]);
    for (let index = 0; index < count; index++) {
      const place = dims[axis] === 1 ? 0 : (chosen?.[index] ?? index);
      const size = operand.dims[axis];
      walk(axis + 1, at * dims[axis] + place, from * size + (size === 1 ? 0 : index));
    }
  };
  walk(0, 0, 0);
};
