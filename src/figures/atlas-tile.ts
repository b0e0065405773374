import { keysOf } from './atlas';
import type { AtlasFigure } from './figure';

/** How large one head is drawn, in pixels. */
export interface Tile {
  readonly width: number;
  readonly height: number;
}

/** A strip would be hard to hit: the shorter side is at least this part of the longer. */
const NARROWEST = 0.5;

/** A head whose longer side is `side`: square, or as its queries are to its keys. */
export function tileOf(figure: AtlasFigure, side: number): Tile {
  const [down, across] = [figure.size, keysOf(figure).size];
  const part = (size: number): number => Math.round(side * Math.max(NARROWEST, size / Math.max(down, across)));
  return { width: part(across), height: part(down) };
}
