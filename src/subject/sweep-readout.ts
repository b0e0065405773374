import { toFloat32 } from '../onnx/decode-tensor';
import type { Tensor } from '../onnx/tensor';
import type { Readout } from './sweep';

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

/** The readout of one row of logits [row, pos, d_vocab]. Throws where it is not a number. */
export const readLogits = (logits: Tensor, row: number, readout: Readout, prompt: number): number => {
  const [, length, vocabulary] = logits.dims;
  const columns = readout.columns?.[prompt];
  const parts = readout.positions[prompt].map(position => {
    const at = (row * length + position) * vocabulary;
    const all = toFloat32({ ...logits, dims: [vocabulary], data: logits.data.subarray(at, at + vocabulary) } as Tensor);
    return columns === undefined ? all : Float32Array.from(columns, id => all[id]);
  });
  const flat = new Float32Array(parts.length * parts[0].length);
  parts.forEach((part, index) => flat.set(part, index * part.length));
  return readout.value(flat, prompt);
};
