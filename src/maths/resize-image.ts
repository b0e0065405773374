import type { Image } from './decode-png';

/** Pillow's names; each with how far it reaches and its weight at a distance (a = −½ for bicubic). */
export const FILTERS = {
  nearest: { support: 0, weight: () => 1 },
  bilinear: { support: 1, weight: (x: number) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: (x: number) => cubic(Math.abs(x)) },
  lanczos: { support: 3, weight: (x: number) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) }
} as const;

export type Filter = keyof typeof FILTERS;

const cubic = (x: number): number =>
  x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/**
 * An image of another size as Pillow makes it (`Image.resize`, libImaging/Resample.c): along the rows, then along the columns; each pixel is a
 * weighted mean over a window that grows with the reduction, rounded to eight bits after each of the two, with Pillow's whole-numbered
 * weights: the same bytes. (Pillow 13 takes the columns first for some shapes that stretch one side and shrink the other.)
 */
export function resizeImage(image: Image, width: number, height: number, filter: Filter): Image {
  if (filter === 'nearest') {
    return nearest(image, width, height);
  }
  return down(across(image, width, filter), height, filter);
}

function across(image: Image, width: number, filter: Filter): Image {
  const { height, rgb } = image;
  const seen = windows(image.width, width, filter);
  const out = new Uint8ClampedArray(3 * width * height);
  for (let row = 0; row < height; row++) {
    for (let i = 0; i < 3 * width; i++) {
      const { start, weights } = seen[Math.floor(i / 3)];
      const from = 3 * (row * image.width + start) + (i % 3);
      out[3 * row * width + i] = rounded(weights.reduce((sum, weight, k) => sum + weight * rgb[from + 3 * k], 0));
    }
  }
  return { width, height, rgb: new Uint8Array(out.buffer) };
}

function down(image: Image, height: number, filter: Filter): Image {
  const { width, rgb } = image;
  const seen = windows(image.height, height, filter);
  const out = new Uint8ClampedArray(3 * width * height);
  for (let row = 0; row < height; row++) {
    const { start, weights } = seen[row];
    for (let i = 0; i < 3 * width; i++) {
      const from = 3 * start * width + i;
      out[3 * row * width + i] = rounded(
        weights.reduce((sum, weight, k) => sum + weight * rgb[from + 3 * k * width], 0)
      );
    }
  }
  return { width, height, rgb: new Uint8Array(out.buffer) };
}

/** Pillow's weights are whole numbers of so many steps to one. */
const STEPS = 2 ** 22;

/** The nearest, halves up; a clamped array cuts off what is beyond eight bits. */
const rounded = (sum: number): number => Math.floor((sum + STEPS / 2) / STEPS);

interface Window {
  readonly start: number;
  readonly weights: readonly number[];
}

/** For each pixel of the new side the old pixels that it is a mean of. */
function windows(from: number, to: number, filter: Filter): readonly Window[] {
  const { support, weight } = FILTERS[filter];
  const scale = from / to;
  const reduction = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support * reduction + 0.5));
    const end = Math.min(from, Math.trunc(centre + support * reduction + 0.5));
    const raw = Array.from({ length: end - start }, (_, k) => weight((start + k - centre + 0.5) / reduction));
    const total = raw.reduce((a, b) => a + b, 0);
    return { start, weights: raw.map(value => wholeSteps(value / total)) };
  });
}

/** Halves away from zero. */
const wholeSteps = (weight: number): number => Math.sign(weight) * Math.floor(Math.abs(weight) * STEPS + 0.5);

function nearest({ width: from, height: tall, rgb }: Image, width: number, height: number): Image {
  const out = new Uint8Array(3 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const x = Math.min(from - 1, Math.floor(((pixel % width) + 0.5) * (from / width)));
    const y = Math.min(tall - 1, Math.floor((Math.floor(pixel / width) + 0.5) * (tall / height)));
    out.set(rgb.subarray(3 * (y * from + x), 3 * (y * from + x) + 3), 3 * pixel);
  }
  return { width, height, rgb: out };
}
