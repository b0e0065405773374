/** Red, green and blue of the pixel at that byte as one number, and back. */
export const colourAt = (rgba: Uint8ClampedArray, at: number): number =>
  (rgba[at] << 16) | (rgba[at + 1] << 8) | rgba[at + 2];
export const rgbOf = (colour: number): [number, number, number] => [colour >> 16, (colour >> 8) & 255, colour & 255];

/** A number a pixel, in the machine's own byte order: good for comparing and copying. */
export const wordsOf = (rgba: Uint8ClampedArray<ArrayBuffer>): Uint32Array<ArrayBuffer> =>
  new Uint32Array(rgba.buffer, rgba.byteOffset, rgba.length / 4);

/** Visits stretches of equal pixels, `from` to before `to`: charts are mostly these. */
export function colourRuns(
  rgba: Uint8ClampedArray<ArrayBuffer>,
  visit: (colour: number, from: number, to: number) => void
): void {
  const words = wordsOf(rgba);
  for (let from = 0, to = 1; from < words.length; to++) {
    if (words[to] !== words[from]) {
      visit(colourAt(rgba, 4 * from), from, to);
      from = to;
    }
  }
}
