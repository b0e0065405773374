import type { Data } from 'plotly.js';

import type { HeatmapTrace } from './heatmap-trace';
import { inkOn } from './ink';
import type { Rgb } from './palettes';
import { rgb } from './palettes';

/** Beside the maps of a drawing, pixels; of a letter, in parts of its size; and the sizes of cells' numbers. */
const MARGINS = 110;
const LETTER = 0.6;
const [SMALLEST, LARGEST] = [7, 12];

/**
 * Numbers in maps' cells are black or white by their own cell: Plotly's dark grey stands off too little from blue and red. Their
 * size is that of the cells in a drawing `width` pixels wide, because Plotly would measure the markup too.
 */
export function inkedCells(traces: readonly Partial<Data>[], width: number): Partial<Data>[] {
  const maps = traces.filter(({ type }) => type === 'heatmap') as HeatmapTrace[];
  const across = maps.reduce((sum, { z }) => sum + (z?.[0]?.length ?? 0), 0);
  return traces.map(trace => inked(trace, (width - MARGINS) / Math.max(1, across)));
}

function inked(trace: Partial<Data>, cell: number): Partial<Data> {
  const { type, z, zmin, zmax, colorscale, text, texttemplate } = trace as HeatmapTrace;
  if (type !== 'heatmap' || !texttemplate || !z || !text || !colorscale || zmin === undefined || zmax === undefined) {
    return trace;
  }
  const ink = (value: number | null, words: string): string => {
    const share = ((value ?? 0) - zmin) / (zmax - zmin);
    return value === null ? words : `<span style="color:${inkOn(colourAt(colorscale, share))}">${words}</span>`;
  };
  const longest = text.flat().reduce((most, words) => Math.max(most, words.length), 1);
  const size = Math.round(Math.min(LARGEST, Math.max(SMALLEST, cell / (longest * LETTER))));
  const written = text.map((row, i) => row.map((words, j) => ink(z[i][j], words)));
  return { ...trace, text: written, textfont: { size } } as unknown as Partial<Data>;
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
