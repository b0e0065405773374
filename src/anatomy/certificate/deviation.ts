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
  if (!where && file.length > 0) {
    const { worst, largest } = overall(file, computed);
    return ratio(worst, largest);
  }
  let worst = 0;
  let largest = 0;
  let compared = 0;
  for (let i = 0; where && i < file.length; i++) {
    if (where(i)) {
      const difference = Math.abs(file[i] - computed[i]);
      worst = difference <= worst ? worst : Number.isNaN(difference) ? Infinity : difference;
      largest = Math.max(largest, Math.abs(file[i]));
      compared++;
    } else if (Number.isNaN(file[i]) || file[i] === Infinity) {
      return Infinity;
    }
  }
  if (compared === 0) {
    return 'no element is left to compare';
  }
  return ratio(worst, largest);
};

const ratio = (worst: number, largest: number): number =>
  worst === 0 ? 0 : worst === Infinity || !Number.isFinite(largest) ? Infinity : worst / (largest || 1);

/** Numbers that are widened at a time: a loop over arrays of one type is several times as fast as one over either. */
const BLOCK = 4096;
const [left, right] = [new Float64Array(BLOCK), new Float64Array(BLOCK)];

/** Of all elements. */
const overall = (file: Numbers, computed: Numbers): { readonly worst: number; readonly largest: number } => {
  let [worst, largest] = [0, 0];
  for (let start = 0; start < file.length; start += BLOCK) {
    const count = Math.min(BLOCK, file.length - start);
    left.set(file.subarray(start, start + count));
    right.set(computed.subarray(start, start + count));
    let strange = 0;
    for (let i = 0; i < count; i++) {
      const [value, difference] = [Math.abs(left[i]), Math.abs(left[i] - right[i])];
      worst = difference > worst ? difference : worst;
      largest = value > largest ? value : largest;
      // Zero times what is no number is NaN, and stays in a sum.
      strange += 0 * difference;
    }
    worst = Number.isNaN(strange) ? Infinity : worst;
  }
  return { worst, largest };
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
