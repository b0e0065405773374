import { rankResidual } from '../../maths/rank-residual';
import type { Context } from '../../subject/context';
import type { Interventions } from '../../subject/interventions/interventions';
import type { Cost, Input, Subject } from '../../subject/subject';
import { flag } from '../check';
import { SEEN } from '../spec/fields';
import { missingHook } from '../hooks';
import { ownInput } from '../reading';
import { BASELINE } from '../baseline';
import type { ProfileMeasure } from './profile';
import { profileAnalysis, type Measured } from './profile-analysis';
import { ofOneText, ONE_TEXT } from './profile-sources';
import { refusesStream, streamCost, visitStream } from './stream';
import { hooksOf, withoutMlps, withoutSkips } from './without-skips';

const UNIT = 'pure number';
const MEASURES: readonly ProfileMeasure[] = [
  { title: 'as it is', unit: UNIT },
  { title: 'without skips', unit: UNIT },
  { title: 'without MLPs', unit: UNIT },
  { title: 'attention alone', unit: UNIT }
];

const SOURCE = ofOneText('rank collapse');

/** ‖X − 1x̄ᵀ‖/‖X‖, ‖M‖ = √(‖M‖₁‖M‖_∞), of each variant; NaN where X is zero, or the model has no MLPs to leave out. */
export const rankCollapse = profileAnalysis({
  id: 'rank-collapse',
  title: 'Rank collapse',
  description:
    'How far the tokens are from being all the same, block by block: as is, without skips, without MLPs, with attention alone.',
  family: 'expressivity',
  measure: 'E1',
  theory: {
    kind: 'identity',
    statement:
      'The residual ‖X − 1x̄ᵀ‖/‖X‖ of the stream X [tokens, d_model], x̄ the mean token, ‖M‖ = √(‖M‖₁‖M‖_∞). Without skip connections and MLPs it falls doubly exponentially with depth: the logarithm at least triples from block to block, up to constants (Dong, Cordonnier & Loukas 2021). Variants are the file’s own graph, in which the readers of each sum of the stream get the part that was added.',
    caveat:
      'The theorem is of pure softmax attention without norms, masks and biases. This model’s norms stay in every variant and scale collapsed tokens up again; under a causal mask the limit is the first token rather than the mean; weights were trained with skips. The residual may exceed 1, and in single precision ends at about 10⁻⁷.',
    references: ['Dong, Cordonnier & Loukas 2021, arXiv 2103.03404', 'Noci et al. 2022, arXiv 2206.03126']
  },
  spec: { ...ONE_TEXT, ...SEEN, ...BASELINE },
  measures: MEASURES,
  assumes: ['norms', 'mask', 'biases', 'positions', 'cross'],
  ...SOURCE,
  refuses: subject => refusesStream(subject) ?? missingHook(subject, hooksOf(withoutSkips(subject, true))),
  cost: (subject, spec) => variantsCost(subject, ownInput(subject, spec).ids),
  measured,
  keeps: (read, { mlps }: VariantsMeasured) => ({ mlps, ...SOURCE.keeps(read) }),
  checks: { mlps: flag, ...SOURCE.checks },
  figures: ({ mlps, input: { ids } }, { draw }) => [
    draw({
      title: 'Rank collapse',
      caption: `Distance of ${ids.length} tokens from their mean, relative to their size; logarithmic axis, 0: all tokens are the same. Norms stay in all variants.${mlps ? '' : ' The model has no MLPs.'}`,
      y: 'residual ‖X − 1x̄ᵀ‖/‖X‖ (pure number)',
      log: true,
      measures: mlps ? [0, 1, 2, 3] : [0, 1]
    })
  ],
  heading: ({ input: { ids } }) => [`Rank collapse: ${ids.length} tokens, residual by variant`]
});

interface VariantsMeasured extends Measured {
  readonly mlps: boolean;
}

const hasMlps = (subject: Subject): boolean => subject.tower.blocks.some(({ mlp }) => mlp !== undefined);

/** By the order of the measures; the first is the model itself. */
const variantsOf = (subject: Subject): readonly (Interventions | undefined)[] => [
  undefined,
  withoutSkips(subject, true),
  ...(hasMlps(subject) ? [withoutMlps(subject), withoutSkips(subject, false)] : [])
];

/** One more session of the weights is held while a variant runs. */
function variantsCost(subject: Subject, ids: readonly number[]): Cost {
  const plain = streamCost(subject, ids);
  const variants = variantsOf(subject);
  const { session } = subject.cost({ ids: [ids], hooks: [], interventions: variants[1]! });
  return { ...plain, forwards: plain.forwards * variants.length, ...(session !== undefined && { session }) };
}

async function measured(subject: Subject, { ids }: Input, context: Context): Promise<VariantsMeasured> {
  const mlps = hasMlps(subject);
  const variants = variantsOf(subject);
  const rows = MEASURES.map(() => Array<number>(subject.tower.layers + 1).fill(NaN));
  for (const [at, interventions] of variants.entries()) {
    context.progress({ done: at, total: variants.length, label: MEASURES[at].title });
    const variant: Subject = interventions
      ? { ...subject, forward: (request, steps) => subject.forward({ ...request, interventions }, steps) }
      : subject;
    await visitStream(variant, ids, context, (place, stream) => (rows[at][place] = rankResidual(stream) ?? NaN));
  }
  return { rows, mlps };
}
