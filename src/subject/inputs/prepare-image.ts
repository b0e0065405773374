import type { Image } from '../../maths/decode-png';
import { resizeImage } from '../../maths/resize-image';
import type { Tensor } from '../../onnx/tensor';
import type { ImageSteps } from '../opening/image-config';

/**
 * [1, 3, height, width] as Hugging Face's image processors make it: resized, cut to its middle, scaled, normalised by channel. Throws where the
 * image is smaller than what is cut out of it.
 */
export const prepareImage = (image: Image, steps: ImageSteps, name: string): Tensor => {
  const resized = steps.size ? resizeImage(image, ...sidesOf(image, steps), steps.filter) : image;
  const { width, height, rgb } = steps.crop ? cropped(resized, steps.crop, name) : resized;
  const data = new Float32Array(3 * width * height);
  for (let channel = 0; channel < 3; channel++) {
    for (let pixel = 0; pixel < width * height; pixel++) {
      const value = rgb[3 * pixel + channel] * steps.factor;
      data[channel * width * height + pixel] = (value - steps.mean[channel]) / steps.deviation[channel];
    }
  }
  return { dims: [1, 3, height, width], type: 'float32', data };
};

/** Width and height: as the configuration says, or its shortest edge so long and the other in proportion, cut off to whole pixels. */
const sidesOf = (image: Image, { size }: ImageSteps): readonly [number, number] => {
  if (typeof size !== 'number') {
    return [size![1], size![0]];
  }
  const { width, height } = image;
  return width <= height ? [size, Math.trunc((size * height) / width)] : [Math.trunc((size * width) / height), size];
};

const cropped = ({ width, height, rgb }: Image, [tall, wide]: readonly [number, number], name: string): Image => {
  if (wide > width || tall > height) {
    throw new Error(`image too small: '${name}' has ${width} × ${height} pixels where ${wide} × ${tall} are cut out`);
  }
  const [left, top] = [Math.floor((width - wide) / 2), Math.floor((height - tall) / 2)];
  const out = new Uint8Array(3 * wide * tall);
  for (let row = 0; row < tall; row++) {
    const from = 3 * ((top + row) * width + left);
    out.set(rgb.subarray(from, from + 3 * wide), 3 * row * wide);
  }
  return { width: wide, height: tall, rgb: out };
};
