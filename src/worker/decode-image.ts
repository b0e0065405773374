import type { Context } from '../subject/context';

type Image = Awaited<ReturnType<NonNullable<Context['decode']>>>;

/** Any image that the browser reads, as red, green and blue; no colour management, transparency left out. */
export async function decodeImage(bytes: Uint8Array): Promise<Image> {
  const blob = new Blob([new Uint8Array(bytes)]);
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!canvas) {
    throw new Error('no canvas to decode an image on');
  }
  canvas.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = canvas.getImageData(0, 0, width, height);
  const rgb = new Uint8Array(3 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    rgb.set(data.subarray(4 * pixel, 4 * pixel + 3), 3 * pixel);
  }
  return { width, height, rgb };
}
