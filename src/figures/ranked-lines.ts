import type { Data } from 'plotly.js';

/** Lines whose points say the line's place by size: 1 is the largest. */
interface RankedTrace {
  readonly x?: readonly (number | null)[];
  readonly customdata?: readonly number[];
}

/** How many lines a graph ranks; 0 where it ranks none. */
export const rankedLines = (data: readonly Partial<Data>[]): number =>
  data.reduce((most, trace) => Math.max(most, ...((trace as RankedTrace).customdata ?? [])), 0);

/** The trace with its lines among the `most` largest; one without places as it is. */
export function firstLines(trace: Partial<Data>, most: number): Partial<Data> {
  const { x = [], customdata } = trace as RankedTrace;
  return customdata
    ? ({ ...trace, x: x.map((at, point) => (customdata[point] > most ? null : at)) } as Partial<Data>)
    : trace;
}
