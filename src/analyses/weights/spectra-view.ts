import { curves, type Curve } from '../../figures/curves';
import type { Figure, FigureTable, TableFigure } from '../../figures/figure';
import { lines, type Series } from '../../figures/lines';
import { shortText } from '../short-text';
import { decodeTensor } from '../tensor-codec';
import { textTable } from '../text-table';
import { LEAST_EIGENVALUES, type SpectrumRow } from './matrix-spectrum';
import type { DrawnSpectrum, MatrixRow, WeightSpectra } from './weight-spectra';

/** An exponent of fewer values is noise. */
const LEAST_TAIL = 30;
const MOST_ROWS = 400;
const TABLE_ROWS = 50;

export function spectraFigures(result: WeightSpectra): Figure[] {
  return [...profiles(result), ...(result.drawn.length > 0 ? [tails(result)] : []), ranking(result)];
}

const short = (value: number, digits = 4): number => Number(value.toPrecision(digits));

const alphaOf = ({ fit }: SpectrumRow): number | undefined => (fit && fit.tail >= LEAST_TAIL ? fit.alpha : undefined);

const shareOf = ({ effectiveRank, rows, columns }: SpectrumRow): number => effectiveRank / Math.min(rows, columns);

/** Exponent and effective rank over the layers, a line for each kind of matrix. */
function profiles({ matrices }: WeightSpectra): Figure[] {
  const inLayers = matrices.filter(({ layer }) => layer !== null);
  if (inLayers.length === 0) {
    return [];
  }
  const layers = [...new Set(inLayers.map(({ layer }) => layer!))].sort((a, b) => a - b);
  const kinds = [...new Set(inLayers.map(({ kind }) => kind))];
  const series = (value: (row: SpectrumRow) => number | undefined): Series[] => {
    const samples = (kind: string, pick: (row: MatrixRow) => SpectrumRow | null): number[][] =>
      layers.map(layer => {
        const row = inLayers.find(one => one.kind === kind && one.layer === layer);
        const found = row && pick(row);
        const number = found ? value(found) : undefined;
        return number === undefined ? [] : [number];
      });
    const own = kinds.map((kind): Series => ({
      name: kind,
      samples: samples(kind, row => row),
      member: place => `${kind} ${layers[place]}`
    }));
    const beside = inLayers.some(({ shuffled }) => shuffled)
      ? kinds.map((kind, i): Series => ({
          name: `${kind}, shuffled`,
          samples: samples(kind, ({ shuffled }) => shuffled),
          member: place => `${kind} ${layers[place]}, shuffled`,
          beside: i
        }))
      : [];
    return [...own, ...beside];
  };
  const one = (title: string, caption: string, y: string, made: Series[], whole: boolean): Figure => {
    const values = made.flatMap(({ samples }) => samples.flat());
    const [low, high] = values.length > 0 ? [Math.min(...values), Math.max(...values)] : [0, 1];
    const room = (high - low || 1) * 0.08;
    return lines({
      title,
      caption,
      alt: shortText(
        `${title}. ${made
          .map(
            ({ name, samples }) =>
              `${name}: ${samples
                .flat()
                .map(value => short(value, 3))
                .join(', ')}`
          )
          .join('. ')}`
      ),
      x: { title: 'layer', labels: layers.map(String) },
      y: { title: y, range: whole ? [0, 1.02] : [low - room, high + room] },
      series: made
    });
  };
  const exponents = series(alphaOf);
  return [
    ...(exponents.some(({ samples }) => samples.flat().length > 0)
      ? [
          one(
            'Tail exponent α by layer',
            `Exponent of the power law fitted to the largest eigenvalues of WᵀW, where the tail holds ${LEAST_TAIL} values or more; dotted: the shuffled matrix, if asked for. HT-SR reads 2 to 6 as well trained; contested.`,
            'α (pure number)',
            exponents,
            false
          )
        ]
      : []),
    one(
      'Effective rank by layer',
      'exp of the entropy of the normalised singular values, as a share of the smaller side of the matrix; dotted: the shuffled matrix, if asked for.',
      'effective rank (share of full, 0–1)',
      series(shareOf),
      true
    )
  ];
}

/** Complementary distribution of the eigenvalues, log–log, with the fitted tail from x_min on. */
function tails({ matrices, drawn }: WeightSpectra): Figure {
  const all = drawn.flatMap((one, i) =>
    tail(
      one,
      matrices.find(({ name }) => name === one.name),
      2 * i
    )
  );
  const words = drawn.map(({ name }) => {
    const fit = matrices.find(row => row.name === name)?.fit;
    return fit
      ? `${name}: α ${short(fit.alpha)} ± ${short(fit.sigma, 2)}, x_min ${short(fit.xMin)}, D ${short(fit.distance, 3)}, ${fit.tail} in the tail${fit.tail < LEAST_TAIL ? ' (noise)' : ''}`
      : `${name}: no fit (fewer than ${LEAST_EIGENVALUES} eigenvalues)`;
  });
  return curves({
    title: 'Spectra with their fitted tails',
    caption: `Share of the eigenvalues of WᵀW that are as large or larger (points), and the fitted power law from x_min on (line). ${words.join('; ')}.`,
    alt: shortText(`Spectra, log–log. ${words.join('; ')}`),
    x: { title: 'eigenvalue λ (squared weight units)', log: true },
    y: { title: 'share of eigenvalues ≥ λ', log: true },
    curves: all
  });
}

function tail({ name, eigenvalues }: DrawnSpectrum, row: MatrixRow | undefined, index: number): Curve[] {
  const values = Array.from(decodeTensor(eigenvalues));
  const points: Curve = { name, x: values, y: values.map((_, i) => (i + 1) / values.length), mode: 'points' };
  const fit = row?.fit;
  if (!fit || values.length === 0) {
    // An empty partner keeps the indices of the curves even.
    return [points, { name, x: [], y: [], mode: 'line', beside: index }];
  }
  const share = fit.tail / values.length;
  const x = Array.from({ length: 24 }, (_, i) => fit.xMin * (values[0] / fit.xMin) ** (i / 23));
  return [
    points,
    { name: `${name}, fit`, x, y: x.map(at => share * (at / fit.xMin) ** (1 - fit.alpha)), mode: 'line', beside: index }
  ];
}

const COLUMNS = [
  'shape',
  '‖W‖₂',
  '‖W‖_F',
  'stable rank',
  'effective rank',
  'rank',
  'α',
  'σ of α',
  'D',
  'x_min',
  'tail',
  'α̂',
  'log₁₀ Σλ^α'
];

/** Columns of a row; what is not fitted is a dash. */
function cells(row: MatrixRow): (string | number)[] {
  const { fit } = row;
  return [
    `${row.rows} × ${row.columns}`,
    ...[row.spectral, row.frobenius, row.stableRank, row.effectiveRank].map(value => short(value)),
    row.rank,
    ...(fit
      ? [
          `${short(fit.alpha)}${fit.tail < LEAST_TAIL ? ' (noise)' : ''}`,
          short(fit.sigma, 2),
          short(fit.distance, 3),
          short(fit.xMin),
          fit.tail,
          short(fit.weighted),
          short(fit.logNorm)
        ]
      : Array<string>(7).fill('–'))
  ];
}

function ranking(result: WeightSpectra): TableFigure {
  const rows = result.matrices.slice(0, MOST_ROWS);
  const table: FigureTable = {
    columns: ['matrix', ...COLUMNS],
    rows: rows.slice(0, TABLE_ROWS).map(row => [row.name, ...cells(row)]),
    omitted: Math.max(0, result.matrices.length - TABLE_ROWS)
  };
  return {
    kind: 'table',
    title: 'Matrices',
    caption: `Norms in the weights' unit. α̂ = α · log₁₀ λ_max. Noise: fewer than ${LEAST_TAIL} eigenvalues in the tail; a dash: fewer than ${LEAST_EIGENVALUES} above rounding.${leftOut(result)}`,
    alt: shortText(
      `Table of ${result.matrices.length} matrices: ${rows.map(row => `${row.name} stable rank ${short(row.stableRank)}`).join('; ')}`
    ),
    corner: 'matrix',
    columns: COLUMNS.map((label, i) => ({ label, align: i === 0 ? 'start' : 'end' })),
    rows: rows.map(row => ({ label: row.name, cells: cells(row).map(cell => ({ text: String(cell) })) })),
    table
  };
}

const leftOut = ({ left, asked, matrices }: WeightSpectra): string =>
  (left.length > 0 ? ` Not read: ${left.length} (${left[0].name}: ${left[0].why}).` : '') +
  (matrices.length + left.length < asked ? ` ${matrices.length + left.length} of ${asked} so far.` : '');

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Averages over all matrices, as WeightWatcher's summary has them, and a line for each kind. */
export function spectraSummary(result: WeightSpectra): string {
  const { matrices } = result;
  const fits = matrices.flatMap(({ fit }) => (fit && fit.tail >= LEAST_TAIL ? [fit] : []));
  const kinds = [...new Set(matrices.map(({ kind }) => kind))];
  const of = (kind: string, value: (row: MatrixRow) => number | undefined): string | number => {
    const found = matrices
      .filter(row => row.kind === kind)
      .map(value)
      .filter(one => one !== undefined);
    return found.length > 0 ? short(mean(found)) : '–';
  };
  const average = (name: string, values: readonly number[]): string =>
    `${name} ${values.length > 0 ? short(mean(values)) : '–'}`;
  return [
    `Weight spectra: ${matrices.length} matrices, ${fits.length} with ${LEAST_TAIL} eigenvalues or more in the fitted tail.${leftOut(result)}`,
    [
      average('mean log10 ‖W‖²_F', matrices.map(({ frobenius }) => 2 * Math.log10(frobenius)).filter(Number.isFinite)),
      average('log10 λ_max', matrices.map(({ spectral }) => 2 * Math.log10(spectral)).filter(Number.isFinite)),
      average(
        'α',
        fits.map(({ alpha }) => alpha)
      ),
      average(
        'α̂',
        fits.map(({ weighted }) => weighted)
      )
    ].join(', '),
    ...textTable(
      ['kind', '‖W‖₂', '‖W‖_F', 'stable rank', 'effective rank', 'α', 'D', 'tail'],
      kinds.map(kind => [
        kind,
        of(kind, ({ spectral }) => spectral),
        of(kind, ({ frobenius }) => frobenius),
        of(kind, ({ stableRank }) => stableRank),
        of(kind, ({ effectiveRank }) => effectiveRank),
        of(kind, alphaOf),
        of(kind, ({ fit }) => fit?.distance),
        of(kind, ({ fit }) => fit?.tail)
      ])
    )
  ].join('\n');
}
