import type { Figure, FigureTable, TableFigure } from '../../figures/figure';
import type { Series } from '../../figures/lines';
import { shortText } from '../short-text';
import { textTable } from '../text-table';
import { EXPONENT, layerLines, LEAST_TAIL, RANK, short } from './layer-lines';
import { LEAST_EIGENVALUES, type Fit, type SpectrumRow } from './matrix-spectrum';
import { modelSpectra } from './model-spectra';
import { tails } from './tail-curves';
import type { MatrixRow, WeightSpectra } from './weight-spectra';

const MOST_ROWS = 400;
const TABLE_ROWS = 50;

export function spectraFigures(result: WeightSpectra): Figure[] {
  return [
    ...profiles(result),
    ...(result.drawn.length > 0 ? [tails(result)] : []),
    ...modelSpectra(result),
    ranking(result)
  ];
}

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
  const fitted = inLayers.filter(row => EXPONENT.of(row) !== undefined).length;
  const exponents = series(EXPONENT.of);
  return [
    // Lone points are no profile: the table has them.
    ...(exponents.some(({ samples }) => samples.flat().length > 1)
      ? [
          layerLines({
            ...EXPONENT,
            title: 'Tail exponent α by layer',
            caption: `Exponent of the power law fitted to the largest eigenvalues of WᵀW, where the tail holds ${LEAST_TAIL} values or more: ${fitted} of ${inLayers.length} matrices; dotted: the shuffled matrix, if asked for. HT-SR reads 2 to 6 as well trained; contested.`,
            layers,
            series: exponents
          })
        ]
      : []),
    layerLines({
      ...RANK,
      title: 'Effective rank by layer',
      caption:
        'exp of the entropy of the normalised singular values, as a share of the smaller side of the matrix; dotted: the shuffled matrix, if asked for.',
      layers,
      series: series(RANK.of)
    })
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
    caption: `${result.tower ? `Weights of the ${result.tower}. ` : ''}Norms in the weights' unit. α̂ = α · log₁₀ λ_max. Noise: fewer than ${LEAST_TAIL} eigenvalues in the tail; a dash: fewer than ${LEAST_EIGENVALUES} above rounding.${leftOut(result)}`,
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

const fitsOf = (matrices: readonly MatrixRow[]): Fit[] =>
  matrices.flatMap(({ fit }) => (fit && fit.tail >= LEAST_TAIL ? [fit] : []));

/** Over all matrices, as WeightWatcher's summary has them. */
function averages(matrices: readonly MatrixRow[]): string {
  const fits = fitsOf(matrices);
  const average = (name: string, values: readonly number[]): string =>
    `${name} ${values.length > 0 ? short(mean(values)) : '–'}`;
  const logs = (value: (row: MatrixRow) => number): number[] =>
    matrices.map(row => 2 * Math.log10(value(row))).filter(Number.isFinite);
  return [
    average(
      'mean log10 ‖W‖²_F',
      logs(({ frobenius }) => frobenius)
    ),
    average(
      'log10 λ_max',
      logs(({ spectral }) => spectral)
    ),
    average(
      'α',
      fits.map(({ alpha }) => alpha)
    ),
    average(
      'α̂',
      fits.map(({ weighted }) => weighted)
    )
  ].join(', ');
}

/** Averages, and a line for each kind. */
export function spectraSummary(result: WeightSpectra): string {
  const { matrices } = result;
  const fits = fitsOf(matrices);
  const kinds = [...new Set(matrices.map(({ kind }) => kind))];
  const of = (kind: string, value: (row: MatrixRow) => number | undefined): string | number => {
    const found = matrices
      .filter(row => row.kind === kind)
      .map(value)
      .filter(one => one !== undefined);
    return found.length > 0 ? short(mean(found)) : '–';
  };
  return [
    `Weight spectra${result.tower ? ` of the ${result.tower}` : ''}: ${matrices.length} matrices, ${fits.length} with ${LEAST_TAIL} eigenvalues or more in the fitted tail.${leftOut(result)}`,
    averages(matrices),
    ...(result.others ?? []).map(({ label, matrices: other }) => `${shortText(label, 40)}: ${averages(other)}`),
    ...textTable(
      ['kind', '‖W‖₂', '‖W‖_F', 'stable rank', 'effective rank', 'α', 'D', 'tail'],
      kinds.map(kind => [
        kind,
        of(kind, ({ spectral }) => spectral),
        of(kind, ({ frobenius }) => frobenius),
        of(kind, ({ stableRank }) => stableRank),
        of(kind, ({ effectiveRank }) => effectiveRank),
        of(kind, EXPONENT.of),
        of(kind, ({ fit }) => fit?.distance),
        of(kind, ({ fit }) => fit?.tail)
      ])
    )
  ].join('\n');
}
