import { toFloat32 } from '../../onnx/decode-tensor';
import type { Tensor } from '../../onnx/tensor';
import type { Readout } from '../sweep';

/** Positions and ids of a readout, checked against the run. Throws for one out of range and where prompts are not all named. */
export const checkReadout = (
  { positions, columns }: Readout,
  rows: number,
  length: number,
  vocabulary: number
): void => {
  const lists: readonly (readonly [string, readonly (readonly number[])[] | undefined, number])[] = [
    ['position', positions, length],
    ['id', columns, vocabulary]
  ];
  for (const [kind, list, limit] of lists) {
    if (list !== undefined && (list.length !== rows || list.some(row => row.length === 0))) {
      throw new Error(
        `readout malformed: ${list.length} lists of ${kind}s, none empty, wanted one for each of ${rows} prompts`
      );
    }
    const wrong = list?.flat().find(index => !Number.isInteger(index) || index < 0 || index >= limit);
    if (wrong !== undefined) {
      throw new Error(`readout out of range: ${kind} ${wrong}, there are ${limit}`);
    }
  }
};

/** What a readout sees of one position: all of the vocabulary, or its columns. */
export const readToken = (
  logits: Tensor,
  row: number,
  position: number,
  ids: readonly number[] | undefined
): Float32Array => {
  const [, length, vocabulary] = logits.dims;
  const at = (row * length + position) * vocabulary;
  const all = toFloat32({ ...logits, dims: [vocabulary], data: logits.data.subarray(at, at + vocabulary) } as Tensor);
  return ids === undefined ? all : Float32Array.from(ids, id => all[id]);
};

/** The readout of positions' parts, [position, column] row by row; NaN where they hold it. Throws where it is NaN of numbers. */
export const readParts = (parts: readonly Float32Array[], readout: Readout, prompt: number): number => {
  const flat = new Float32Array(parts.length * parts[0].length);
  parts.forEach((part, index) => flat.set(part, index * part.length));
  const value = readout.value(flat, prompt);
  if (Number.isNaN(value) && !flat.some(Number.isNaN)) {
    throw new Error(`metric not a number: of prompt ${prompt} it is NaN, its logits are numbers`);
  }
  return value;
};

/** The readout of one row of logits [row, pos, d_vocab]. */
export const readLogits = (logits: Tensor, row: number, readout: Readout, prompt: number): number =>
  readParts(
    readout.positions[prompt].map(position => readToken(logits, row, position, readout.columns?.[prompt])),
    readout,
    prompt
  );
