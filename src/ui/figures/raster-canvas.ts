import type { Raster } from '../../figures/atlas-raster';

/** Puts a raster onto a canvas of its size. */
export function paintRaster(canvas: HTMLCanvasElement, { width, height, rgba }: Raster): void {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
}
