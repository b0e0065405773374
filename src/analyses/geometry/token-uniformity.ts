import { linearAlgebra } from '../../maths/linear-algebra';
import type { Matrix } from '../../maths/matrix';
import { meanCosine } from '../../maths/mean-cosine';
import { spectrumStatistics } from '../../maths/spectrum-statistics';
import type { Context } from '../../subject/context';
import type { Input, Subject } from '../../subject/subject';
import { SEEN } from '../spec/fields';
import { BASELINE } from '../baseline';
import type { ProfileMeasure } from './profile';
import { profileAnalysis, type Measured } from './profile-analysis';
import { ofOneText, ONE_TEXT } from './profile-sources';
import { streamHooks, visitStream } from './stream';

const MEASURES: readonly ProfileMeasure[] = [
  { title: 'mean cosine', unit: '−1 to 1' },
  { title: 'numerical rank', unit: 'dimensions' },
  { title: 'effective rank', unit: 'dimensions' }
];

/** Relative rounding of the single precision that activations are computed in. */
const EPSILON = 2 ** -23;

/** Mean cosine of different tokens; singular values above σ₁ · max(T, d) · 2⁻²³; exp of their entropy. */
export const tokenUniformity = profileAnalysis({
  id: 'token-uniformity',
  title: 'Token uniformity',
  description: 'How alike the tokens of a text become from block to block: mean cosine and rank of the stream.',
  family: 'expressivity',
  measure: 'E2',
  theory: {
    kind: 'identity',
    statement:
      'Mean cosine of all pairs of different tokens, and rank of the stream X [tokens, d_model] at each place. Without skip connections and MLPs, self-attention drives X to rank one doubly exponentially with depth (Dong et al. 2021); uniform tokens can no longer be told apart, and gradients of queries and keys vanish (Noci et al. 2022).',
    caveat:
      'The theorem is of pure attention; this model has skip connections, which stop the collapse. A high cosine may come from a few large coordinates that all tokens share, not from lost differences: look at the rank beside it. Numerical rank counts singular values above σ₁ · max(T, d) · 2⁻²³; no rank exceeds the number of tokens.',
    references: ['Dong et al. 2021, arXiv 2103.03404', 'Noci et al. 2022, arXiv 2206.03126']
  },
  spec: { ...ONE_TEXT, ...SEEN, ...BASELINE },
  measures: MEASURES,
  assumes: ['skips', 'mlps', 'norms', 'mask', 'cross'],
  ...ofOneText('token uniformity'),
  measured,
  figures: ({ input: { ids } }, { rows, draw }) => [
    draw({
      title: 'Token uniformity',
      caption: `Mean cosine of all pairs of different tokens of one text of ${ids.length} tokens; 1: all point the same way.`,
      y: 'mean cosine',
      range: [Math.min(0, ...rows[0].filter(value => !Number.isNaN(value))) - 0.02, 1.02],
      measures: [0]
    }),
    draw({
      title: 'Rank of the stream',
      caption: `Numerical and effective rank of the stream, of ${ids.length} tokens at most ${ids.length}.`,
      y: 'rank (dimensions)',
      measures: [1, 2]
    })
  ],
  heading: ({ input: { ids } }) => [`Token uniformity: ${ids.length} tokens`]
});

async function measured(subject: Subject, { ids }: Input, context: Context): Promise<Measured> {
  const algebra = await linearAlgebra();
  const total = streamHooks(subject).length;
  const columns: number[][] = [];
  await visitStream(subject, ids, context, (place, stream) => {
    context.progress({ done: place, total, label: `place ${place + 1} of ${total}` });
    columns.push(uniformity(stream, algebra.singularValues(stream)));
  });
  return { rows: MEASURES.map((_, m) => columns.map(column => column[m])) };
}

/** Ranks of a stream of zeros are 0, its cosine is not defined. */
function uniformity(stream: Matrix, singular: Float64Array): number[] {
  const threshold = Math.max(...singular) * Math.max(stream.rows, stream.columns) * EPSILON;
  return [
    meanCosine(stream) ?? NaN,
    singular.filter(value => value > threshold).length,
    spectrumStatistics(singular).effectiveRank
  ];
}
