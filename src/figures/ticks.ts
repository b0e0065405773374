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
