import { linearAlgebra } from '../../maths/linear-algebra';
import type { Matrix } from '../../maths/matrix';
import { meanCosine } from '../../maths/mean-cosine';
import { spectrumStatistics } from '../../maths/spectrum-statistics';
import type { Context } from '../../subject/context';
import type { Input, Subject } from '../../subject/subject';
import { analysis } from '../analysis';
import { object, type Check } from '../check';
import { INPUT } from '../fields';
import { input, inputOf } from '../input';
import {
  agreePlaces,
  BASELINE,
  baselineRows,
  baselineWords,
  checkBaseline,
  withBaseline,
  withShuffled,
  type Baseline
} from './baseline';
import { checkProfile, encodeProfile, profileRows, type Profile, type ProfileMeasure } from './profile';
import { profileFigure, profileLines } from './profile-view';
import { refusesStream, streamCost, streamHooks, visitStream } from './stream';

const MEASURES: readonly ProfileMeasure[] = [
  { title: 'mean cosine', unit: '−1 to 1' },
  { title: 'numerical rank', unit: 'dimensions' },
  { title: 'effective rank', unit: 'dimensions' }
];

/** Relative rounding of the single precision that activations are computed in. */
const EPSILON = 2 ** -23;

export interface TokenUniformity {
  /** [measure, place]: mean cosine of different tokens; singular values above σ₁ · max(T, d) · 2⁻²³; exp of their entropy. */
  readonly values: Profile;
  readonly baseline: Baseline;
  readonly input: Input;
}

const SPEC = { ...INPUT, ...BASELINE };

const FIELDS: Check<TokenUniformity> = object<TokenUniformity>({
  values: checkProfile(MEASURES.length),
  baseline: checkBaseline(MEASURES.length),
  input
});

export const tokenUniformity = analysis<typeof SPEC, TokenUniformity>({
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
  spec: SPEC,
  refuses: refusesStream,
  cost: (subject, spec) => withBaseline(subject, spec, streamCost(subject, inputOf(subject, spec).ids)),
  async compute(subject, spec, context, seed) {
    const read = inputOf(subject, spec);
    if (read.ids.length < 2) {
      throw new Error(`token uniformity: needs at least 2 tokens, got ${read.ids.length}`);
    }
    const { own, baseline } = await withShuffled(
      subject,
      spec,
      context,
      seed,
      (model, steps) => measured(model, read.ids, steps),
      rows => rows
    );
    return { values: encodeProfile(own), baseline, input: read };
  },
  validateResult: value => agreePlaces(FIELDS(value, 'result')),
  figures({ values, baseline, input: { ids } }) {
    const rows = profileRows(values);
    const beside = baselineRows(baseline);
    const words = baselineWords(baseline);
    return [
      profileFigure({
        title: 'Token uniformity',
        caption: `Mean cosine of all pairs of different tokens of one text of ${ids.length} tokens; 1: all point the same way.${words}`,
        y: 'mean cosine',
        range: [Math.min(0, ...rows[0].filter(value => !Number.isNaN(value))) - 0.02, 1.02],
        measures: MEASURES.slice(0, 1),
        rows: rows.slice(0, 1),
        baseline: beside.slice(0, 1)
      }),
      profileFigure({
        title: 'Rank of the stream',
        caption: `Numerical and effective rank of the stream, of ${ids.length} tokens at most ${ids.length}.${words}`,
        y: 'rank (dimensions)',
        measures: MEASURES.slice(1),
        rows: rows.slice(1),
        baseline: beside.slice(1)
      })
    ];
  },
  summary: ({ values, input: { ids } }) =>
    [`Token uniformity: ${ids.length} tokens`, ...profileLines(MEASURES, profileRows(values))].join('\n')
});

/** [measure][place] */
async function measured(subject: Subject, ids: readonly number[], context: Context): Promise<number[][]> {
  const algebra = await linearAlgebra();
  const total = streamHooks(subject).length;
  const columns: number[][] = [];
  await visitStream(subject, ids, context, (place, stream) => {
    context.progress({ done: place, total, label: `place ${place + 1} of ${total}` });
    columns.push(uniformity(stream, algebra.singularValues(stream)));
  });
  return MEASURES.map((_, m) => columns.map(column => column[m]));
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
