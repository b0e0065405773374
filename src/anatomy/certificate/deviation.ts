import type { Numbers } from '../../onnx/numbers';
import type { Sides } from './identity';

/**
 * Largest |file − computed|, relative to the largest |file|. Infinite where a side is no number or too short: of the file's
 * side only −∞ that is left out on purpose (a mask) is passed over. A string where nothing was left to compare.
 */
export const deviation = ({ file, computed, where }: Sides): number | string => {
  if (file.length !== computed.length) {
    return Infinity;
  }
  const found = where ? chosen(file, computed, where) : all(file, computed);
  if (found.compared === 0) {
    return 'no element is left to compare';
  }
  const { worst, largest } = found;
  return worst === 0 ? 0 : worst === Infinity || !Number.isFinite(largest) ? Infinity : worst / (largest || 1);
};

interface Difference {
  /** |file − computed|; infinite where either is no number. */
  readonly worst: number;
  /** |file| */
  readonly largest: number;
  readonly compared: number;
}

const chosen = (file: Numbers, computed: Numbers, where: (i: number) => boolean): Difference => {
  let [worst, largest, compared] = [0, 0, 0];
  for (let i = 0; i < file.length; i++) {
    if (where(i)) {
      const difference = Math.abs(file[i] - computed[i]);
      worst = difference <= worst ? worst : Number.isNaN(difference) ? Infinity : difference;
      largest = Math.max(largest, Math.abs(file[i]));
      compared++;
    } else if (Number.isNaN(file[i]) || file[i] === Infinity) {
      return { worst: Infinity, largest, compared: 1 };
    }
  }
  return { worst, largest, compared };
};

/** Numbers that are compared at a time, both sides in arrays of one type: a loop over several types takes three times as long. */
const PIECE = 4096;
const [ofFile, ofComputed] = [new Float64Array(PIECE), new Float64Array(PIECE)];

const all = (file: Numbers, computed: Numbers): Difference => {
  let [worst, largest] = [0, 0];
  for (let start = 0; start < file.length; start += PIECE) {
    const end = Math.min(file.length, start + PIECE);
    ofFile.set(file.subarray(start, end));
    ofComputed.set(computed.subarray(start, end));
    const [off, size] = ofPiece(ofFile, ofComputed, end - start);
    worst = Math.max(worst, off);
    largest = Math.max(largest, size);
  }
  return { worst, largest, compared: file.length };
};

const ofPiece = (file: Float64Array, computed: Float64Array, count: number): readonly [number, number] => {
  let [worst, largest] = [0, 0];
  for (let i = 0; i < count; i++) {
    const value = file[i];
    const difference = Math.abs(value - computed[i]);
    if (!(difference <= worst)) {
      worst = Number.isNaN(difference) ? Infinity : difference;
    }
    largest = Math.max(largest, Math.abs(value));
  }
  return [worst, largest];
};

/** |file|, of what is compared. */
export const largestOf = ({ file, where }: Sides): number => {
  let largest = 0;
  for (let i = 0; i < file.length; i++) {
    if (!where || where(i)) {
      largest = Math.max(largest, Math.abs(file[i]));
    }
  }
  return largest;
};

/** Σ (a − b)² */
export const squaredDistance = (a: Numbers, b: Numbers): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += (a[i] - b[i]) ** 2;
  }
  return sum;
};

/** Σ a · b */
export const dot = (a: Numbers, b: Numbers): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += a[i] * b[i];
  }
  return sum;
};
