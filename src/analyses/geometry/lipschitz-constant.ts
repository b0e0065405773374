import { attentionJacobian, type AttentionPoint } from '../../maths/attention-jacobian';
import { linearAlgebra, type LinearAlgebra } from '../../maths/linear-algebra';
import { slope } from '../../maths/slope';
import { spectralNorm } from '../../maths/spectral-norm';
import type { Context } from '../../subject/context';
import type { Input, Subject } from '../../subject/subject';
import { count, list } from '../check';
import { missingHook } from '../hooks';
import { quiet } from '../quiet';
import { ownInput } from '../reading';
import { attentionBound } from './attention-bound';
import { attentionHooks, attentionInput, attentionPoint, refusesAttention } from './attention-point';
import { BASELINE } from '../baseline';
import { moved, movedHooks, movedList } from './moved-attention';
import type { ProfileMeasure } from './profile';
import { profileAnalysis, type Measured } from './profile-analysis';
import { ofOneText, ONE_TEXT } from './profile-sources';

const UNIT = 'times the change of the input';
const MEASURES: readonly ProfileMeasure[] = [
  { title: 'random direction', unit: UNIT },
  { title: 'local constant', unit: UNIT },
  { title: 'weight bound', unit: UNIT },
  { title: 'growth exponent', unit: 'of the number of tokens' }
];

/** Of the local constant: a lower bound at any number of steps. */
const PATIENCE = { most: 40, settled: 1e-5 };
/** Fewer tokens leave no three lengths to fit an exponent to. */
const LEAST_GROWTH = 12;
const SOURCE = ofOneText('lipschitz constant');

interface LipschitzMeasured extends Measured {
  readonly lengths: readonly number[];
}

/** Of the attention of the block that ends at the place, NaN before block 0. */
export const lipschitzConstant = profileAnalysis({
  id: 'lipschitz-constant',
  title: 'Lipschitz constant',
  description:
    'By how much each attention layer can stretch a small change of what it reads: on this text, at most, and as texts grow.',
  family: 'expressivity',
  measure: 'E5',
  theory: {
    kind: 'bound',
    statement:
      'Dot-product attention has no Lipschitz constant over all inputs (Kim, Papamakarios & Mnih 2021); on inputs of bounded length it grows at most like the square root of the number of tokens n, and on real texts about like n^(1/4) (Castin, Ablin & Peyré 2024). The local constant is the spectral norm of the layer’s Jacobian at this text, from below, by Lanczos steps on its exact products; the weight bound is above it, from norms of weights and the spread of keys and values; a random direction, by finite differences of the file’s own graph, is below it.',
    caveat:
      'Of attention alone, from what queries, keys and values read (behind the norm) to what it adds: norms and MLPs have constants of their own, and skip connections add one. A local constant says nothing of other texts. The exponent is a slope over a few lengths of one text. The weight bound adds up all heads as if they pulled the same way.',
    references: ['Kim, Papamakarios & Mnih 2021, arXiv 2006.04710', 'Castin, Ablin & Peyré 2024, arXiv 2312.14820']
  },
  spec: { ...ONE_TEXT, ...BASELINE },
  measures: MEASURES,
  assumes: ['mask', 'biases', 'positions', 'heads', 'groups'],
  ...SOURCE,
  reads: 'weights',
  refuses: subject =>
    subject.tower.layers === 0
      ? 'no attention layer was found in this graph'
      : (refusesAttention(subject) ?? missingHook(subject, [...allHooks(subject), ...movedHooks(subject)])),
  cost(subject, spec) {
    const { ids } = ownInput(subject, spec);
    const plain = subject.cost({ ids: [ids], hooks: allHooks(subject) });
    const interventions = { list: movedList(subject) };
    const { session = 0 } = subject.cost({ ids: [ids], hooks: movedHooks(subject), interventions });
    return { ...plain, forwards: lengthsOf(ids.length).length + 3, session };
  },
  measured,
  keeps: (read, { lengths }: LipschitzMeasured) => ({ lengths, ...SOURCE.keeps(read) }),
  checks: { lengths: list(count, 8), ...SOURCE.checks },
  figures: ({ input: { ids }, lengths }, { rows, draw }) => [
    draw({
      title: 'Lipschitz constant',
      caption: `Of each attention layer at one text of ${ids.length} tokens; logarithmic axis.`,
      y: 'stretch (times the change of the input)',
      log: true,
      measures: [0, 1, 2]
    }),
    ...(rows[3].some(value => !Number.isNaN(value))
      ? [
          draw({
            title: 'Growth with the number of tokens',
            caption: `Slope of the logarithm of the local constant over that of the length, of the text’s first ${lengths.join(', ')} tokens; 1/2 is the worst case, 1/4 what was found on real texts.`,
            y: 'exponent of the number of tokens',
            measures: [3]
          })
        ]
      : [])
  ],
  heading: ({ input: { ids }, lengths }) => [
    `Lipschitz constant of attention: ${ids.length} tokens, growth over the first ${lengths.join(', ')}`
  ]
});

const allHooks = (subject: Subject): string[] =>
  subject.tower.blocks.flatMap((_, layer) => [attentionInput(subject, layer), ...attentionHooks(subject, layer)]);

/** An eighth, a quarter, a half and all of the text. */
const lengthsOf = (tokens: number): number[] =>
  tokens < LEAST_GROWTH ? [tokens] : [8, 4, 2, 1].map(part => Math.round(tokens / part)).filter(length => length > 1);

async function measured(subject: Subject, { ids }: Input, context: Context): Promise<LipschitzMeasured> {
  const algebra = await linearAlgebra();
  const { layers } = subject.tower;
  const lengths = lengthsOf(ids.length);
  const total = layers * lengths.length + 1;
  const progress = (done: number, label: string): void => context.progress({ done, total, label });
  progress(0, 'finite differences');
  const stretches = await moved(subject, ids, algebra, context);
  const locals: number[][] = [];
  const bounds: number[] = [];
  for (const [at, length] of lengths.entries()) {
    const cache = await subject.forward({ ids: [ids.slice(0, length)], hooks: allHooks(subject) }, quiet(context));
    const row: number[] = [];
    for (let layer = 0; layer < layers; layer++) {
      progress(1 + at * layers + layer, `layer ${layer + 1} of ${layers}, ${length} tokens`);
      const point = attentionPoint(subject, layer, length, cache);
      row.push(await localConstant(point, algebra, context));
      if (length === ids.length) {
        bounds.push(await attentionBound(point, algebra));
      }
    }
    locals.push(row);
  }
  const grown = bounds.map((_, layer) =>
    growth(
      lengths,
      locals.map(row => row[layer])
    )
  );
  const rows = [stretches, locals[lengths.length - 1], bounds, grown].map(row => [NaN, ...row]);
  return { rows, lengths };
}

async function localConstant(point: AttentionPoint, algebra: LinearAlgebra, { signal }: Context): Promise<number> {
  const between = async (): Promise<void> => {
    await new Promise(resolve => setTimeout(resolve));
    signal.throwIfAborted();
  };
  return (await spectralNorm(attentionJacobian(point, algebra), PATIENCE, algebra, between)).value;
}

/** NaN for fewer than three lengths, or where a constant is zero. */
const growth = (lengths: readonly number[], constants: readonly number[]): number =>
  lengths.length < 3 || constants.some(value => !(value > 0))
    ? NaN
    : slope(lengths.map(Math.log), constants.map(Math.log));
