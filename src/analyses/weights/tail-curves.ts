import { curves, type Curve } from '../../figures/curves';
import type { PlotlyFigure } from '../../figures/figure';
import { shortText } from '../short-text';
import { decodeTensor } from '../tensor-codec';
import { LEAST_TAIL, short } from './layer-lines';
import { LEAST_EIGENVALUES } from './matrix-spectrum';
import type { DrawnSpectrum, MatrixRow, WeightSpectra } from './weight-spectra';

/** Of each spectrum's eigenvalues, largest first. */
const SHOWN = 0.8;

/** Complementary distribution of the eigenvalues, log–log, with the fitted tail from x_min on. */
export function tails({ matrices, drawn }: WeightSpectra): PlotlyFigure {
  const all = drawn.flatMap((one, i) =>
    tail(
      one,
      matrices.find(({ name }) => name === one.name),
      2 * i
    )
  );
  const words = drawn.map(({ name }) => `${name}: ${fitWords(matrices.find(row => row.name === name))}`);
  return curves({
    title: 'Spectra with their fitted tails',
    caption: `Share of the eigenvalues of WᵀW that are as large or larger (points), and the fitted power law from x_min on (line). ${words.join('; ')}.`,
    alt: shortText(`Spectra, log–log. ${words.join('; ')}`),
    x: { title: 'eigenvalue λ (squared weight units)', log: true, ...tailRange(all) },
    y: { title: 'share of eigenvalues ≥ λ', log: true },
    curves: all
  });
}

/** Where most of every spectrum, and every fit, can be seen: the smallest eigenvalues would take most of a logarithmic axis. */
export function tailRange(all: readonly Curve[]): { readonly range: readonly [number, number] } | undefined {
  const ends = all.flatMap(({ x, mode }) =>
    x.length === 0 ? [] : [mode === 'points' ? x[Math.floor((x.length - 1) * SHOWN)] : x[0]]
  );
  const low = Math.min(...ends);
  const high = Math.max(...all.flatMap(({ x }) => x));
  return low > 0 && low < high ? { range: [low / 1.5, high * 1.5] } : undefined;
}

/** Points of a spectrum and the line of its fit; `index` is that of the points among the curves. */
export function tail({ name, eigenvalues }: DrawnSpectrum, row: MatrixRow | undefined, index: number): Curve[] {
  const values = Array.from(decodeTensor(eigenvalues));
  const points: Curve = { name, x: values, y: values.map((_, i) => (i + 1) / values.length), mode: 'points' };
  const fit = row?.fit;
  if (!fit || values.length === 0) {
    // An empty partner keeps the indices of the curves even.
    return [points, { name, x: [], y: [], mode: 'line', beside: index }];
  }
  const share = fit.tail / values.length;
  // To the largest eigenvalue, or where half an eigenvalue would be left.
  const end = Math.min(values[0], fit.xMin * (2 * fit.tail) ** (1 / (fit.alpha - 1)));
  const x = Array.from({ length: 24 }, (_, i) => fit.xMin * (end / fit.xMin) ** (i / 23));
  return [
    points,
    { name: `${name}, fit`, x, y: x.map(at => share * (at / fit.xMin) ** (1 - fit.alpha)), mode: 'line', beside: index }
  ];
}

/** 'α 3.1 ± 0.2, x_min 0.5, …' */
export const fitWords = (row: MatrixRow | undefined): string =>
  row?.fit
    ? `α ${short(row.fit.alpha)} ± ${short(row.fit.sigma, 2)}, x_min ${short(row.fit.xMin)}, D ${short(row.fit.distance, 3)}, ${row.fit.tail} in the tail${row.fit.tail < LEAST_TAIL ? ' (noise)' : ''}`
    : `no fit (fewer than ${LEAST_EIGENVALUES} eigenvalues)`;
