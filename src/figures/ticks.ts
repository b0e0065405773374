import type { Layout, LayoutAxis } from 'plotly.js';

import { plotlyText } from './plotly-text';

/** Ticks of a numeric axis 0 … n−1 that carries labels; a category axis would merge equal ones. */
export interface Ticks {
  readonly tickmode: 'array';
  readonly tickvals: number[];
  readonly ticktext: string[];
}

/** Every label, or evenly thinned to at most `most`. */
export function ticks(labels: readonly string[], most = 16): Ticks {
  const step = Math.ceil(labels.length / most);
  const tickvals = labels.map((_, i) => i).filter(i => i % step === 0);
  return { tickmode: 'array', tickvals, ticktext: tickvals.map(i => plotlyText(labels[i])) };
}

/** Width of a tick's character, and of a slanted line of them with what parts it from the next. */
export const CHARACTER = 6.5;
const SLANTED = 18;

/** Pixels from one label to the next that leave a character between any two neighbours. */
export function besideOneAnother(labels: readonly string[]): number {
  const sizes = labels.map(label => label.replace(/&[a-z]+;/g, '&').length);
  const pairs = sizes.map((size, at) => (size + (sizes[at + 1] ?? 0)) / 2);
  return (1 + Math.max(...pairs)) * CHARACTER;
}

/** The layout for a drawing so many pixels wide: its labels across thinned until they stand apart, and never turned. */
export function thinnedTicks(layout: Partial<Layout>, width: number): Partial<Layout> {
  const { l = 80, r = 80 } = layout.margin ?? {};
  const axes = Object.entries(layout).filter(([name]) => /^xaxis\d*$/.test(name)) as [string, Partial<LayoutAxis>][];
  return {
    ...layout,
    ...Object.fromEntries(axes.map(([name, axis]) => [name, thinned(axis, width - l - r)]))
  };
}

function thinned(axis: Partial<LayoutAxis>, width: number): Partial<LayoutAxis> {
  const { ticktext, tickvals, range, domain = [0, 1], tickangle } = axis as Ticks & Partial<LayoutAxis>;
  if (!ticktext?.length || !tickvals) {
    return axis;
  }
  const [low, high] = (range ?? [-Infinity, Infinity]) as [number, number];
  const needed = tickangle ? SLANTED : besideOneAnother(ticktext);
  const shown = tickvals.filter(value => value >= low && value <= high).length;
  const step = Math.ceil((needed * shown) / Math.max(1, (domain[1] - domain[0]) * width));
  const kept = <T>(all: readonly T[]): T[] => all.filter((_, i) => i % step === 0);
  return { ...axis, tickangle: tickangle ?? 0, tickvals: kept(tickvals), ticktext: kept(ticktext) };
}
