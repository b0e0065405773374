import { curves } from '../../figures/curves';
import type { PlotlyFigure } from '../../figures/figure';
import { shortText } from '../short-text';
import { EXPONENT, layerLines, RANK, type LayerMeasure } from './layer-lines';
import { fitWords, tail, tailRange } from './tail-curves';
import type { DrawnSpectrum, MatrixRow, WeightSpectra } from './weight-spectra';

interface Model {
  readonly name: string;
  readonly matrices: readonly MatrixRow[];
  readonly drawn: DrawnSpectrum | undefined;
}

/** One figure of spectra and one of each number by layer, with a curve for each model; none where there is one model. */
export function modelSpectra({ matrices, drawn, others = [] }: WeightSpectra): PlotlyFigure[] {
  if (others.length === 0) {
    return [];
  }
  const middle = drawn[Math.floor((drawn.length - 1) / 2)];
  const models: Model[] = [
    { name: 'this model', matrices, drawn: middle },
    ...others.map(one => ({ name: shortText(one.label, 40), matrices: one.matrices, drawn: one.drawn[0] }))
  ];
  const kind = middle?.name.split(' ')[0];
  const by = (title: string, measure: LayerMeasure): PlotlyFigure[] =>
    kind !== undefined && middle!.name !== kind ? byLayer(title, kind, measure, models) : [];
  return [spectraOf(models), ...by('Tail exponent α', EXPONENT), ...by('Effective rank', RANK)];
}

function spectraOf(models: readonly Model[]): PlotlyFigure {
  const having = models.flatMap(({ name, matrices, drawn }) =>
    drawn ? [{ name: `${name}, ${drawn.name}`, drawn, row: matrices.find(row => row.name === drawn.name) }] : []
  );
  const words = having.map(({ name, row }) => `${name}: ${fitWords(row)}`);
  const all = having.flatMap(({ name, drawn, row }, i) => tail({ ...drawn, name }, row, 2 * i));
  return curves({
    title: `Spectra of ${models.length} models`,
    caption: `Share of the eigenvalues of WᵀW that are as large or larger (points), and the fitted power law from x_min on (line). ${words.join('; ')}.`,
    alt: shortText(`Spectra, log–log. ${words.join('; ')}`),
    x: { title: 'eigenvalue λ (squared weight units)', log: true, ...tailRange(all) },
    y: { title: 'share of eigenvalues ≥ λ', log: true },
    curves: all
  });
}

/** Of one kind of matrix; nothing where fewer than two models have a number. */
function byLayer(title: string, kind: string, measure: LayerMeasure, models: readonly Model[]): PlotlyFigure[] {
  const rows = models.map(({ matrices }) => matrices.filter(row => row.kind === kind && row.layer !== null));
  const layers = [...new Set(rows.flat().map(({ layer }) => layer!))].sort((a, b) => a - b);
  const series = models.map(({ name }, i) => ({
    name,
    samples: layers.map(layer => rows[i].filter(row => row.layer === layer).flatMap(row => measure.of(row) ?? [])),
    member: (place: number) => `${name}, ${kind} ${layers[place]}`
  }));
  const having = series.filter(({ samples }) => samples.flat().length > 0).length;
  return having > 1
    ? [
        layerLines({
          ...measure,
          title: `${title} of ${kind} in ${having} models`,
          caption: 'The same kind of matrix in each model; a model with fewer layers ends earlier.',
          layers,
          series
        })
      ]
    : [];
}
