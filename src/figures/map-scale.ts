import type { Data } from 'plotly.js';

import type { HeatmapTrace } from './heatmap-trace';

/** How the numbers of a map become colours on the page. */
export interface MapScale {
  readonly transfer: 'linear' | 'root';
  /** What the ends of the colours stand for: those of the figure, or what 99 of 100 cells do not pass. */
  readonly range: 'usual' | 'most';
}

export const USUAL_MAP_SCALE: MapScale = { transfer: 'linear', range: 'usual' };

/** A map's trace with its colours so; others as they are. The bar beside it goes with the colours. */
export function scaledMap(trace: Partial<Data>, { transfer, range }: MapScale): Partial<Data> {
  const { type, z, zmin, zmax, colorscale } = trace as HeatmapTrace;
  if (type !== 'heatmap' || !z || !colorscale || zmin === undefined || zmax === undefined) {
    return trace;
  }
  const signed = zmin < 0 && zmin === -zmax;
  const ends = range === 'most' ? endsOf(z.flat(), signed, [zmin, zmax]) : [zmin, zmax];
  const place = (share: number): number => (signed ? (1 + signedSquare(2 * share - 1)) / 2 : share ** 2);
  const stretched = colorscale.map(([share, colour]) => [transfer === 'root' ? place(share) : share, colour]);
  return { ...trace, zmin: ends[0], zmax: ends[1], colorscale: stretched } as Partial<Data>;
}

const signedSquare = (x: number): number => x * Math.abs(x);

/** The size that one cell of a hundred passes; the usual ends where that is none. */
function endsOf(
  values: readonly (number | null)[],
  signed: boolean,
  usual: readonly [number, number]
): readonly [number, number] {
  const given = values.filter(value => value !== null && Number.isFinite(value)) as number[];
  const sizes = given.map(value => (signed ? Math.abs(value) : value)).sort((a, b) => b - a);
  const most = Math.min(usual[1], sizes[Math.floor(sizes.length / 100)] ?? usual[1]);
  return most > (signed ? 0 : usual[0]) ? [signed ? -most : usual[0], most] : usual;
}
