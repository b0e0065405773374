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
  let worst = 0;
  let largest = 0;
  let compared = 0;
  for (let i = 0; i < file.length; i++) {
    if (!where || where(i)) {
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
  return worst === 0 ? 0 : worst === Infinity || !Number.isFinite(largest) ? Infinity : worst / (largest || 1);
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
