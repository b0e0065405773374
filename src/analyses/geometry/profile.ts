import { agree, gappedTensor, type Check } from '../check';
import type { ResultTensor } from '../result';
import { decodeTensor, encodeTensor } from '../tensor-codec';

/** What a row of a profile is. */
export interface ProfileMeasure {
  readonly title: string;
  readonly unit: string;
}

/** Numbers by place of the residual stream [measure, place], L + 1 places; NaN where a number is not defined. */
export type Profile = ResultTensor & { readonly dtype: 'float32' };

/** [measure][place] → the tensor of a result. */
export function encodeProfile(rows: readonly ArrayLike<number>[]): Profile {
  const places = rows[0].length;
  const values = new Float32Array(rows.length * places);
  rows.forEach((row, i) => values.set(Array.from(row), i * places));
  return { ...encodeTensor({ dims: ['measure', 'place'], shape: [rows.length, places] }, values), dtype: 'float32' };
}

/** The tensor of a result → [measure][place]. */
export function profileRows(profile: Profile): number[][] {
  const [measures, places] = profile.shape;
  const values = decodeTensor(profile);
  return Array.from({ length: measures }, (_, i) => Array.from(values.subarray(i * places, (i + 1) * places)));
}

/** A saved profile of these many measures and at least one place. */
export const checkProfile =
  (measures: number): Check<Profile> =>
  (value, at) => {
    const checked = gappedTensor(['measure', 'place'])(value, at);
    agree(`${at} measures`, measures, checked.shape[0]);
    if (checked.shape[1] === 0) {
      throw new Error(`'${at}' has shape [${checked.shape.join(', ')}]: an empty axis`);
    }
    return checked;
  };

/** Names of the places: the stream that enters block 0, and what leaves each block. */
export const placeNames = (places: number): string[] => ['in', ...Array.from({ length: places - 1 }, (_, i) => `${i}`)];
