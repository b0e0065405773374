import type { Figure, FigureTable, PlotlyFigure, TableFigure } from '../../figures/figure';
import { heatmaps } from '../../figures/heatmaps';
import { random } from '../../maths/random';
import type { Subject } from '../../subject/subject';
import { analysis } from '../analysis';
import type { Check } from '../check';
import { agree, count, flag, list, number, object, tensor } from '../check';
import { aboveChance, CALLED } from './above-chance';
import { diagonalScore, SCORES, uniformScore, type DiagonalScore } from './diagonal-scores';
import { headName, indexLabels, matrices, ranked } from './head-values';
import { select } from '../hooks';
import { patternCost, refusesPatterns, visitPatterns } from './pattern-runs';
import { plainIds } from '../plain-ids';
import { repeatedTokens } from '../repeated-tokens';
import type { ResultTensor } from '../result';
import { shortText } from '../short-text';
import type { Spec } from '../spec/spec';
import { integer } from '../spec/spec';
import { encodeTensor } from '../tensor-codec';
import { textTable } from '../text-table';

const SHORTEST = 4;
const RANKING_ROWS = 15;

export interface HeadScores {
  /** Mean over the sequences [score, layer, head], 0 to 1; scores: previous token, duplicate token, induction. */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  /** Standard deviation over the sequences [score, layer, head]. */
  readonly deviations: ResultTensor & { readonly dtype: 'float32' };
  /** The random ids, each row given to the model twice in succession [sequence, position]. */
  readonly ids: ResultTensor & { readonly dtype: 'int32' };
  /** Each score of a head that looks at all it sees alike. */
  readonly baselines: readonly number[];
  /** Tokens of a block; less than asked for where the model has too few positions. */
  readonly length: number;
  readonly asked: number;
  /** A beginning-of-sequence token stands in front. */
  readonly bos: boolean;
}

const SPEC = {
  batch: integer({
    title: 'Sequences',
    description: 'Random sequences to average over.',
    default: 10,
    minimum: 1,
    maximum: 64
  }),
  length: integer({
    title: 'Length',
    description: 'Random tokens of a block, which is repeated once; shortened where the model has too few positions.',
    default: 50,
    minimum: SHORTEST,
    maximum: 512
  })
};

const DIMS = ['score', 'layer', 'head'];

const FIELDS: Check<HeadScores> = object<HeadScores>({
  values: tensor('float32', 'score', 'layer', 'head'),
  deviations: tensor('float32', 'score', 'layer', 'head'),
  ids: tensor('int32', 'sequence', 'position'),
  baselines: list(number, SCORES.length),
  length: count,
  asked: count,
  bos: flag
});

export const headScores = analysis<typeof SPEC, HeadScores>({
  id: 'head-scores',
  title: 'Head scores',
  description: 'Which heads are previous-token, duplicate-token and induction heads, on repeated random tokens.',
  family: 'circuits',
  measure: 'I1',
  theory: {
    kind: 'identity',
    statement:
      'Mean attention weight on one diagonal of two equal halves of S random tokens: from t to t − 1 (previous token), from the second half to t − S (duplicate token) and to t − (S − 1), the token after the earlier occurrence (induction).',
    caveat:
      'A score says where a head looks on random tokens, not what it does on text, nor that it causes in-context learning: that needs an intervention.',
    references: ['Olsson et al. 2022, arXiv 2209.11895', 'Wang et al. 2022, arXiv 2211.00593']
  },
  spec: SPEC,
  refuses(subject) {
    const positions = subject.maxPositions;
    return positions !== undefined && positions < 2 * SHORTEST
      ? `the model has ${positions} positions, repeated tokens need ${2 * SHORTEST}`
      : refusesPatterns(subject);
  },
  cost: (subject, spec) => patternCost(subject, requestOf(subject, spec, 0)),
  async compute(subject, spec, context, seed) {
    const { layers, heads, causal } = subject.tower;
    const request = requestOf(subject, spec, seed);
    const length = request.rows[0].length / 2;
    const scores = request.rows.map(() => new Float64Array(SCORES.length * layers * heads));
    await visitPatterns(subject, request, context, pattern =>
      SCORES.forEach((score, s) => {
        for (let head = 0; head < heads; head++) {
          scores[pattern.row][(s * layers + pattern.layer) * heads + head] = diagonalScore(pattern, head, score);
        }
      })
    );
    return {
      ...moments(scores, [SCORES.length, layers, heads]),
      ids: blocks(request.rows, length),
      baselines: SCORES.map(score => uniformScore(2 * length, causal, score)),
      length,
      asked: spec.length,
      bos: subject.input({ ids: request.rows[0] }).bos
    };
  },
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const { shape } = result.values;
    agree('result.values scores', SCORES.length, shape[0]);
    agree('result.baselines', SCORES.length, result.baselines.length);
    agree('result.ids length', result.length, result.ids.shape[1]);
    if (shape.includes(0) || shape.join() !== result.deviations.shape.join()) {
      throw new Error(
        `'result.deviations' has shape [${result.deviations.shape.join(', ')}] beside [${shape.join(', ')}]`
      );
    }
    return result;
  },
  figures: result => figures(result),
  summary: result => summary(result)
});

function requestOf(
  subject: Subject,
  spec: Spec<typeof SPEC>,
  seed: number
): { rows: number[][]; layers: readonly number[] } {
  const { layers } = subject.tower;
  const length = Math.min(spec.length, Math.floor((subject.maxPositions ?? Infinity) / 2));
  const rows = repeatedTokens(random(seed), plainIds(subject, 'head scores'), spec.batch, length);
  return { rows, layers: select('layers', undefined, layers) };
}

/** Mean and standard deviation (n − 1) over the sequences. */
function moments(scores: readonly Float64Array[], shape: readonly number[]): Pick<HeadScores, 'values' | 'deviations'> {
  const n = scores.length;
  const means = scores[0].map((_, i) => scores.reduce((sum, one) => sum + one[i], 0) / n);
  const deviations = means.map((mean, i) =>
    n > 1 ? Math.sqrt(scores.reduce((sum, one) => sum + (one[i] - mean) ** 2, 0) / (n - 1)) : 0
  );
  const encode = (values: Float64Array): HeadScores['values'] => ({
    ...encodeTensor({ dims: DIMS, shape, unit: 'attention weight' }, Float32Array.from(values)),
    dtype: 'float32'
  });
  return { values: encode(means), deviations: encode(deviations) };
}

function blocks(rows: readonly (readonly number[])[], length: number): HeadScores['ids'] {
  const ids = Int32Array.from(rows.flatMap(row => row.slice(0, length)));
  return { ...encodeTensor({ dims: ['sequence', 'position'], shape: [rows.length, length] }, ids), dtype: 'int32' };
}

function figures(result: HeadScores): Figure[] {
  return [maps(result), ranking(result)];
}

function sample({ ids, length, asked, bos }: HeadScores): string {
  const shortened = length < asked ? ` (shortened from ${asked} to fit the model's positions)` : '';
  return (
    `${ids.shape[0]} sequences of ${length} random tokens repeated once${shortened}, ` +
    `${bos ? 'with' : 'without'} a beginning-of-sequence token`
  );
}

function maps(result: HeadScores): PlotlyFigure {
  const [, layers, heads] = result.values.shape;
  const values = matrices(result.values);
  return heatmaps({
    title: 'Head scores',
    caption: `Mean attention weight on the score's diagonal; ${sample(result)}. Layer 0 is at the top.`,
    alt: altText(result),
    panels: SCORES.map((score, s) => ({
      title: score.title,
      values: values[s],
      unit: 'attention weight (0–1)',
      range: [0, 1] as const
    })),
    rows: { title: 'layer', labels: indexLabels(layers) },
    columns: { title: 'head', labels: indexLabels(heads) },
    cell: headName,
    table: table(result, 50)
  });
}

interface Ranked {
  readonly name: string;
  /** Place in SCORES of the score that is furthest above chance. */
  readonly best: number;
  readonly scores: readonly number[];
  readonly deviation: number;
  /** That score is far enough above chance to call the head by it. */
  readonly called: boolean;
}

const CALLING = `A head is called by the score that takes the largest share of what chance leaves free, (score − chance) / (1 − chance), if above ${CALLED}`;

const chances = ({ baselines }: HeadScores, of: (score: DiagonalScore) => string): string =>
  `chance, a head that looks everywhere alike: ${baselines.map((value, s) => `${of(SCORES[s])} ${value.toFixed(3)}`).join(', ')}`;

/** Heads by their largest score. */
function ranks(result: HeadScores): Ranked[] {
  const values = matrices(result.values);
  const deviations = matrices(result.deviations);
  const largest = values[0].map((row, l) => row.map((_, h) => Math.max(...values.map(matrix => matrix[l][h]))));
  return ranked(largest).map(({ layer, head }) => {
    const scores = values.map(matrix => matrix[layer][head]);
    const above = scores.map((score, s) => aboveChance(score, result.baselines[s]));
    const best = above.indexOf(Math.max(...above));
    const called = above[best] > CALLED;
    return { name: headName(layer, head), best, scores, deviation: deviations[best][layer][head], called };
  });
}

function ranking(result: HeadScores): TableFigure {
  const rows = ranks(result).slice(0, RANKING_ROWS);
  return {
    kind: 'table',
    title: 'Ranking',
    caption: `The ${rows.length} heads with the largest score; ±: standard deviation over the sequences of the score furthest above chance. ${CALLING}; others have –. Of ${chances(result, ({ title }) => title.toLowerCase())}.`,
    alt: shortText(
      `Ranking of heads: ${rows.map(row => `${row.name} ${row.called ? SCORES[row.best].id : 'not called,'} ${row.scores[row.best].toFixed(2)}`).join('; ')}`
    ),
    corner: 'head',
    columns: [
      { label: 'called' },
      ...SCORES.map(({ title }) => ({ label: title, align: 'end' as const })),
      { label: '±', align: 'end' }
    ],
    rows: rows.map(({ name, best, scores, deviation, called }) => ({
      label: name,
      cells: [
        { text: called ? SCORES[best].title : '–' },
        ...scores.map((score, s) => ({
          text: score.toFixed(3),
          shade: Math.min(1, Math.max(0, score)),
          bold: called && s === best
        })),
        { text: deviation.toFixed(3) }
      ]
    })),
    shading: { label: 'score', low: '0', high: '1' }
  };
}

function table(result: HeadScores, most: number): FigureTable {
  const rows = ranks(result).map(({ name, scores }) => [name, ...scores.map(score => Number(score.toFixed(4)))]);
  const columns = ['head', ...SCORES.map(({ title }) => title.toLowerCase())];
  return { columns, rows: rows.slice(0, most), omitted: Math.max(0, rows.length - most) };
}

function altText(result: HeadScores): string {
  const [, layers, heads] = result.values.shape;
  const best = matrices(result.values).map((matrix, s) => {
    const [{ layer, head, value }] = ranked(matrix);
    return `${SCORES[s].title.toLowerCase()} ${headName(layer, head)} ${value.toFixed(2)} (chance ${result.baselines[s].toFixed(2)})`;
  });
  return shortText(`Head scores of ${layers} layers × ${heads} heads. Strongest: ${best.join('; ')}.`);
}

function summary(result: HeadScores): string {
  const [, layers, heads] = result.values.shape;
  const rows = ranks(result).slice(0, RANKING_ROWS);
  return [
    `Head scores: ${layers} layers x ${heads} heads`,
    sample(result),
    chances(result, ({ id }) => id),
    ...textTable(
      ['rank', 'head', 'called', ...SCORES.map(({ id }) => id), 'sd'],
      rows.map(({ name, best, scores, deviation, called }, i) => [
        i + 1,
        name,
        called ? SCORES[best].id : '-',
        ...scores.map(score => score.toFixed(3)),
        deviation.toFixed(3)
      ])
    ),
    `${CALLING}.`
  ].join('\n');
}
