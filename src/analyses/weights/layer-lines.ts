import type { PlotlyFigure } from '../../figures/figure';
import { lines, type Series } from '../../figures/lines';
import { shortText } from '../short-text';
import type { SpectrumRow } from './matrix-spectrum';

/** An exponent of fewer values is noise. */
export const LEAST_TAIL = 30;

export const short = (value: number, digits = 4): number => Number(value.toPrecision(digits));

/** A number of each matrix that is drawn over the layers. */
export interface LayerMeasure {
  readonly y: string;
  /** 0 to 1. */
  readonly share: boolean;
  of(row: SpectrumRow): number | undefined;
}

export const EXPONENT: LayerMeasure = {
  y: 'α (pure number)',
  share: false,
  of: ({ fit }) => (fit && fit.tail >= LEAST_TAIL ? fit.alpha : undefined)
};

export const RANK: LayerMeasure = {
  y: 'effective rank (share of full, 0–1)',
  share: true,
  of: ({ effectiveRank, rows, columns }) => effectiveRank / Math.min(rows, columns)
};

/** A line for each series over the layers. */
export function layerLines({
  title,
  caption,
  y,
  share,
  layers,
  series
}: LayerMeasure & {
  readonly title: string;
  readonly caption: string;
  readonly layers: readonly number[];
  readonly series: readonly Series[];
}): PlotlyFigure {
  const values = series.flatMap(({ samples }) => samples.flat());
  const [low, high] = values.length > 0 ? [Math.min(...values), Math.max(...values)] : [0, 1];
  const room = (high - low || 1) * 0.08;
  const words = series.map(
    ({ name, samples }) =>
      `${name}: ${samples
        .flat()
        .map(value => short(value, 3))
        .join(', ')}`
  );
  return lines({
    title,
    caption,
    alt: shortText(`${title}. ${words.join('. ')}`),
    x: { title: 'layer', labels: layers.map(String) },
    y: { title: y, range: share ? [0, 1.02] : [low - room, high + room] },
    series
  });
}
