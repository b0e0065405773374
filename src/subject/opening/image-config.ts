import type { Filter } from '../../maths/resize-image';

/** Largest side of an image that is believed. */
const MOST_PIXELS = 4096;

type Fields = Readonly<Record<string, unknown>>;

const record = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const own = (fields: Fields, key: string): unknown => (Object.hasOwn(fields, key) ? fields[key] : undefined);

const side = (value: unknown): number | undefined =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) <= MOST_PIXELS ? Number(value) : undefined;

/** [height, width] of a number, a pair, or { height, width }. */
const pair = (value: unknown): readonly [number, number] | undefined => {
  const { height, width } = Array.isArray(value)
    ? { height: value[0] as unknown, width: value[1] as unknown }
    : typeof value === 'number'
      ? { height: value, width: value }
      : { height: own(record(value), 'height'), width: own(record(value), 'width') };
  const sides = [side(height), side(width)];
  return sides[0] !== undefined && sides[1] !== undefined ? [sides[0], sides[1]] : undefined;
};

/**
 * [height, width] of the images that a model takes, as its preprocessor_config.json (crop_size, size) or config.json (image_size, also
 * in vision_config) says; undefined where it says nothing of the kind.
 */
export const imageSize = (config: unknown): readonly [number, number] | undefined => {
  const fields = record(config);
  const cropped = own(fields, 'do_center_crop') !== false ? pair(own(fields, 'crop_size')) : undefined;
  const inner = pair(own(record(own(fields, 'vision_config')), 'image_size'));
  return cropped ?? pair(own(fields, 'size')) ?? pair(own(fields, 'image_size')) ?? inner;
};

/** What a preprocessor_config.json says is done to an image. */
export interface ImageSteps {
  /** [height, width], or the length of the shorter side; absent: not resized. */
  readonly size?: readonly [number, number] | number;
  readonly filter: Filter;
  /** [height, width] that is cut out of the middle. */
  readonly crop?: readonly [number, number];
  readonly factor: number;
  /** By channel, after the factor. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** Pillow's numbers of its filters. */
const RESAMPLE: Readonly<Record<number, Filter>> = { 0: 'nearest', 1: 'lanczos', 2: 'bilinear', 3: 'bicubic' };

/**
 * The steps of a preprocessor_config.json; throws one sentence where it leaves open or names what is not done here (other filters, padding),
 * so that no image is fed otherwise than the model learned. `label`: the model's.
 */
export const imageSteps = (config: unknown, label: string): ImageSteps => {
  const fields = record(config);
  const flag = (name: string): boolean => own(fields, name) !== false;
  const refuse = (what: string): never => {
    throw new Error(`image refused: the preprocessor_config.json of '${label}' ${what}, so give tensors instead`);
  };
  if (config === undefined) {
    throw new Error(`image refused: '${label}' has no preprocessor_config.json beside it, so give tensors instead`);
  }
  const numbers = (name: string): readonly number[] => {
    const value = own(fields, name);
    const list = typeof value === 'number' ? [value, value, value] : value;
    const whole = Array.isArray(list) && list.length === 3 && list.every(one => Number.isFinite(one));
    return whole ? (list as number[]) : refuse(`has no '${name}' of three numbers`);
  };
  const normalised =
    own(fields, 'do_normalize') !== undefined ? flag('do_normalize') : own(fields, 'image_mean') !== undefined;
  const deviation = normalised ? numbers('image_std') : [1, 1, 1];
  if (deviation.some(value => value <= 0)) {
    refuse("has an 'image_std' that is not positive");
  }
  if (own(fields, 'do_pad') === true) {
    refuse('asks for padding');
  }
  const cut = pair(own(fields, 'crop_size'));
  const crops = own(fields, 'do_center_crop') !== undefined ? flag('do_center_crop') : cut !== undefined;
  const filter = RESAMPLE[Number(own(fields, 'resample') ?? 2)];
  return {
    ...(flag('do_resize') && { size: sizeOf(own(fields, 'size')) ?? refuse("has no 'size' that is understood") }),
    filter: filter ?? refuse("names a 'resample' other than nearest, lanczos, bilinear and bicubic"),
    ...(crops && { crop: cut ?? refuse("has no 'crop_size' that is understood") }),
    factor: flag('do_rescale') ? factorOf(own(fields, 'rescale_factor')) : 1,
    mean: normalised ? numbers('image_mean') : [0, 0, 0],
    deviation
  };
};

const factorOf = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 1 / 255);

/** [height, width], or the shorter side's length. */
const sizeOf = (value: unknown): ImageSteps['size'] => pair(value) ?? side(own(record(value), 'shortest_edge'));
