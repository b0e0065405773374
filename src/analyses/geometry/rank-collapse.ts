import { rankResidual } from '../../maths/rank-residual';
import type { Context } from '../../subject/context';
import type { Intervention } from '../../subject/interventions/interventions';
import type { Cost, Input, Subject } from '../../subject/subject';
import { flag } from '../check';
import { INPUT, SEEN } from '../spec/fields';
import { blockHook, missingHook } from '../hooks';
import { inputOf } from '../input';
import { BASELINE } from '../baseline';
import type { ProfileMeasure } from './profile';
import { profileAnalysis, type Measured } from './profile-analysis';
import { ofOneText } from './profile-sources';
import { refusesStream, streamCost, visitStream } from './stream';
import { readHooks, replacedHooks, stepsWithoutSkips, visitWithoutSkips } from './without-skips';

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
      'The residual ‖X − 1x̄ᵀ‖/‖X‖ of the stream X [tokens, d_model], x̄ the mean token, ‖M‖ = √(‖M‖₁‖M‖_∞). Without skip connections and MLPs it falls doubly exponentially with depth: the logarithm at least triples from block to block, up to constants (Dong, Cordonnier & Loukas 2021). Variants are runs of the file’s own blocks with the stream set between them.',
    caveat:
      'The theorem is of pure softmax attention without norms, masks and biases. This model’s norms stay in every variant and scale collapsed tokens up again; under a causal mask the limit is the first token rather than the mean; weights were trained with skips. The residual may exceed 1, and in single precision ends at about 10⁻⁷. Each block of a variant without skips is run by itself, so that a model of L layers takes about 3 L forwards.',
    references: ['Dong, Cordonnier & Loukas 2021, arXiv 2103.03404', 'Noci et al. 2022, arXiv 2206.03126']
  },
  spec: { ...INPUT, ...SEEN, ...BASELINE },
  measures: MEASURES,
  assumes: ['norms', 'mask', 'biases', 'positions'],
  ...SOURCE,
  refuses: subject =>
    refusesStream(subject) ?? missingHook(subject, [...replacedHooks(subject), ...readHooks(subject)]),
  cost: (subject, spec) => variantsCost(subject, inputOf(subject, spec).ids),
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

/** The plain runs, and the steps of the variants: each is a whole forward. */
function variantsCost(subject: Subject, ids: readonly number[]): Cost {
  const plain = streamCost(subject, ids);
  const list = replacedHooks(subject).map((hook): Intervention => ({ hook, op: 'scale', value: 1 }));
  const { session } = subject.cost({ ids: [ids], hooks: [], interventions: { list } });
  const mlps = hasMlps(subject);
  const steps = [true, ...(mlps ? [false] : [])].map(one => stepsWithoutSkips(subject, one));
  return {
    ...plain,
    forwards: plain.forwards * (mlps ? 2 : 1) + steps.reduce((sum, one) => sum + one, 0),
    ...(session !== undefined && { session })
  };
}

async function measured(subject: Subject, { ids }: Input, context: Context): Promise<VariantsMeasured> {
  const mlps = hasMlps(subject);
  const places = subject.tower.layers + 1;
  const rows: number[][] = [];
  const stages = mlps ? 4 : 2;
  const stage = (variant: string): Context => ({
    signal: context.signal,
    progress: ({ done, total, label }) =>
      context.progress({ done: done + rows.length * total, total: total * stages, label: `${variant}: ${label}` })
  });
  const none = Array<number>(places).fill(NaN);
  const found = async (read: (visit: Parameters<typeof visitStream>[3]) => Promise<void>): Promise<void> => {
    const row: number[] = [];
    await read((_, stream) => row.push(rankResidual(stream) ?? NaN));
    rows.push(row);
  };
  await found(visit => visitStream(subject, ids, stage('as it is'), visit));
  await found(visit => visitWithoutSkips(subject, ids, true, stage('without skips'), visit));
  if (mlps) {
    await found(visit => visitStream(withoutMlps(subject), ids, stage('without MLPs'), visit));
    await found(visit => visitWithoutSkips(subject, ids, false, stage('attention alone'), visit));
  }
  return { rows: mlps ? rows : [...rows, none, none], mlps };
}

/** The same with zeros for what every MLP adds. */
const withoutMlps = (subject: Subject): Subject => ({
  ...subject,
  forward: (request, context) => {
    const list = subject.tower.blocks.flatMap(({ mlp }, layer): Intervention[] =>
      mlp ? [{ hook: blockHook(subject, layer, 'hook_mlp_out'), op: 'zero' }] : []
    );
    return subject.forward({ ...request, interventions: { list } }, context);
  }
});
