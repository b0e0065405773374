import type { Data } from 'plotly.js';

import { inkOn } from './ink';
import type { Rgb } from './palettes';
import { rgb } from './palettes';

interface Map {
  readonly type?: string;
  readonly z?: readonly (readonly (number | null)[])[];
  readonly zmin?: number;
  readonly zmax?: number;
  readonly colorscale?: readonly (readonly [number, string])[];
  readonly text?: readonly (readonly string[])[];
  readonly texttemplate?: string;
}

/** Numbers in a map's cells are black or white by their own cell: Plotly's dark grey stands off too little from blue and red. */
export function inkedCells(trace: Partial<Data>): Partial<Data> {
  const { type, z, zmin, zmax, colorscale, text, texttemplate } = trace as Map;
  if (type !== 'heatmap' || !texttemplate || !z || !text || !colorscale || zmin === undefined || zmax === undefined) {
    return trace;
  }
  const ink = (value: number | null, words: string): string =>
    value === null
      ? words
      : `<span style="color:${inkOn(colourAt(colorscale, (value - zmin) / (zmax - zmin)))}">${words}</span>`;
  return {
    ...trace,
    text: text.map((row, i) => row.map((words, j) => ink(z[i][j], words)))
  } as unknown as Partial<Data>;
}

/** Between the two steps of the scale that enclose `share`. */
function colourAt(scale: readonly (readonly [number, string])[], share: number): Rgb {
  const inside = Math.min(1, Math.max(0, share));
  const above = Math.max(
    1,
    scale.findIndex(([place]) => place >= inside)
  );
  const [[low, from], [high, to]] = [scale[above - 1], scale[above]];
  const part = (inside - low) / (high - low);
  const [a, b] = [rgb(from), rgb(to)];
  return [0, 1, 2].map(i => a[i] + part * (b[i] - a[i])) as unknown as Rgb;
}
