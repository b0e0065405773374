import { keysOf } from './atlas';
import { magnitudeOf } from './atlas-bytes';
import type { AtlasFigure } from './figure';

/** How the sizes of an atlas's cells become places on its ramp. */
export interface AtlasScale {
  readonly transfer: 'root' | 'linear' | 'log';
  /**
   * What the end of the ramp stands for: 1 (the largest that is shown, where the first token is hidden); the largest of all
   * heads; that of each head; or what 99 of 100 cells above zero do not pass.
   */
  readonly range: 'usual' | 'largest' | 'head' | 'most';
}

export const USUAL_SCALE: AtlasScale = { transfer: 'root', range: 'usual' };

/** Decades below the end of the ramp that a logarithmic scale tells apart; bytes hold five. */
export const DECADES = 3;

/** Place on the ramp, 0 … 1, of a stored size beside the size at the end; sizes are square roots of weights, times 255. */
export function placeOf(transfer: AtlasScale['transfer'], size: number, end: number): number {
  const share = Math.min(1, size / end);
  switch (transfer) {
    case 'root':
      return share;
    case 'linear':
      return share ** 2;
    case 'log':
      return Math.max(0, 1 + (2 * Math.log10(share)) / DECADES);
  }
}

/** The stored size at the end of the ramp, at least 1: of a grid of all heads, or of head `tile` where it stands alone. */
export function endOf(figure: AtlasFigure, range: AtlasScale['range'], hideSink: boolean, tile?: number): number {
  if (range === 'usual' && !hideSink) {
    return 255;
  }
  const own = tile !== undefined && (range === 'usual' || range === 'head');
  const counts = countsOf(figure, hideSink, own ? [tile, tile + 1] : [0, figure.layers * figure.heads]);
  const shown = counts.reduce((sum, count) => sum + count, 0) - counts[0];
  let above = range === 'most' ? Math.floor(shown / 100) : 0;
  for (let size = 255; size > 1; size--) {
    above -= counts[size];
    if (above < 0) {
      return size;
    }
  }
  return 1;
}

/** How many cells of the heads there are of each size, those of a hidden first key left out. */
function countsOf(figure: AtlasFigure, hideSink: boolean, [from, to]: readonly [number, number]): Uint32Array {
  const { patterns, size, signed = false } = figure;
  const across = keysOf(figure).size;
  const bytes = new Uint32Array(256);
  for (let row = from * size; row < to * size; row++) {
    for (let at = row * across + Number(hideSink); at < (row + 1) * across; at++) {
      bytes[patterns[at]]++;
    }
  }
  const counts = new Uint32Array(256);
  bytes.forEach((count, byte) => (counts[magnitudeOf(byte, signed)] += count));
  return counts;
}
