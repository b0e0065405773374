import type { HeadPlace } from '../../../figures/part-names';
import type { Context } from '../../../subject/context';
import type { Input, Subject } from '../../../subject/subject';
import { analysis } from '../../analysis';
import type { Check } from '../../check';
import { count, list, number, object, oneOf, orNull, table, tensor, text } from '../../check';
import { input } from '../../input';
import { measuredGroups, promptsOf, type PlacedPrompt } from '../../patching/measured-prompts';
import { missingHook, blockHook } from '../../hooks';
import { PROMPTS } from '../../patching/patching-fields';
import { patternCost, refusesPatterns } from '../../attention/pattern-runs';
import { quiet } from '../../quiet';
import { HEAD } from '../../spec/fields';
import type { Spec } from '../../spec/spec';
import { choice } from '../../spec/spec';
import { LINEAR_METRICS } from '../attribution/answer-direction';
import { cardAblation, cardDirect, type CardAblation, type CardDirect, type Spread } from './card-effects';
import { cardPartners, type CardPartners } from './card-partners';
import { cardPatterns, cardScores, type CardPattern, type CardScores } from './card-patterns';
import { section, sectionOf, type Section } from './card-section';
import { cardTokens, refusesTokens } from './card-tokens';
import { cardFigures, cardSummary, type HeadCard } from './card-view';
import { directLogitAttribution } from '../attribution/direct-logit-attribution';
import { refusesFolding } from '../folded-heads';
import { headPlace } from '../head-place';
import { HEAD_KINDS } from '../kinds/head-kinds';
import { checkScore, scoreResult } from '../attribution/score-result';
import { refusesScores } from '../attribution/score-terms';

/** Prompts whose patterns are drawn. */
const DRAWN = 3;

const SPEC = {
  ...HEAD,
  prompts: {
    ...PROMPTS,
    description:
      "Prompts that the head is shown on, the first three drawn: [{clean, corrupted, answer: {correct: [' Mary'], wrong: [' John']}}]. Without answers nothing is said of its effects; 'corrupted' may be left out."
  },
  metric: choice({
    title: 'Metric',
    description: 'What effects are measured by, at the last position of each prompt, or at its mask.',
    options: LINEAR_METRICS,
    default: 'logit-diff'
  })
};

type CardSpec = Spec<typeof SPEC>;

const SPREAD: Check<Spread> = object<Spread>({ mean: number, deviation: number });

const FIELDS: Check<HeadCard> = object<HeadCard>({
  layer: count,
  head: count,
  metric: oneOf(...LINEAR_METRICS),
  prompts: count,
  patterns: list(object<CardPattern>({ input, values: tensor('uint8', 'query', 'key') }), DRAWN),
  scores: section(
    object<CardScores>({
      kinds: list(orNull(number), HEAD_KINDS.length),
      chance: list(orNull(number), HEAD_KINDS.length),
      positional: number,
      copying: section(number),
      sequences: count,
      tokens: count
    })
  ),
  tokens: section(table({ view: oneOf('token', 'prompt'), source: text, rank: count, token: text, value: number })),
  direct: section(
    object<CardDirect>({ term: SPREAD, rank: count, of: count, measured: number, sources: list(number) })
  ),
  ablation: section(object<CardAblation>({ zero: SPREAD, corrupted: orNull(SPREAD), measured: number })),
  partners: section(
    object<CardPartners>({
      partners: table({
        side: oneOf('reads from', 'is read by'),
        mode: oneOf('Q', 'K', 'V'),
        head: text,
        score: number
      }),
      baseline: object({ mean: number, deviation: number })
    })
  ),
  reason: section(checkScore)
});

export const headCard = analysis<typeof SPEC, HeadCard>({
  id: 'head-card',
  title: 'Head card',
  description: 'All about one head on one page: where it looks and why, what it writes, what it does to the answer.',
  family: 'circuits',
  theory: {
    kind: 'identity',
    statement:
      'Patterns and kinds are read as in head taxonomy, tokens as in OV circuits (and from the values of the first prompt), the direct effect as in direct logit attribution, the total effect as in ablation, partners as in composition, and the reason of its sharpest look as in attention attribution: each is the same number as there.',
    caveat:
      'Each part has its own caveat, which the analysis of its name states. The total effect is causal; composition is a heuristic; the sharpest look is the largest weight on another token than the first on the first prompt, and need not be what matters for the answer.',
    references: [
      'Elhage et al. 2021, A Mathematical Framework for Transformer Circuits',
      'Wang et al. 2022, arXiv 2211.00593',
      'Olsson et al. 2022, arXiv 2209.11895'
    ]
  },
  spec: SPEC,
  refuses: refusesPatterns,
  cost(subject, spec) {
    const { layer } = headPlace(subject, spec);
    const rows = inputsOf(subject, spec).map(({ ids }) => ids);
    const costs = rows.map(row => patternCost(subject, { rows: [row], layers: [layer] }));
    return {
      forwards: 12 + 4 * rows.length,
      bytes: costs.reduce((sum, { bytes }) => sum + bytes, 0)
    };
  },
  compute: (subject, spec, context, seed) => compute(subject, spec, context, seed),
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const strange = result.patterns.find(
      ({ input: { ids }, values: { shape } }) => shape[0] !== shape[1] || shape[0] > ids.length || shape[0] === 0
    );
    if (strange || result.patterns.length === 0) {
      throw new Error(`'result.patterns': ${strange ? `[${strange.values.shape.join(', ')}] of a prompt` : 'none'}`);
    }
    const { found } = result.direct;
    if (found && found.sources.length !== result.patterns[0].input.ids.length) {
      throw new Error(
        `'result.direct.found.sources': ${found.sources.length} of ${result.patterns[0].input.ids.length} tokens`
      );
    }
    return result;
  },
  figures: result => cardFigures(result),
  summary: result => cardSummary(result)
});

const inputsOf = (subject: Subject, { prompts }: CardSpec): Input[] =>
  promptsOf(subject, prompts).map(({ clean }) =>
    subject.input(typeof clean === 'string' ? { text: clean } : { ids: clean })
  );

/** Throws for answers that are not tokens, and where only some prompts have one; none where no prompt has. */
function measuredOf(subject: Subject, { prompts: given, metric }: CardSpec): readonly PlacedPrompt[] {
  const prompts = promptsOf(subject, given);
  const without = prompts.findIndex(({ answer }) => answer === undefined);
  if (without >= 0 && prompts.some(({ answer }) => answer !== undefined)) {
    throw new Error(`answer missing: prompts[${without}] has none where others have one`);
  }
  return without >= 0
    ? []
    : measuredGroups(subject, prompts, metric, false)
        .flat()
        .sort((a, b) => a.index - b.index);
}

async function compute(subject: Subject, spec: CardSpec, context: Context, seed: number): Promise<HeadCard> {
  const place = headPlace(subject, spec);
  const inputs = inputsOf(subject, spec);
  const unread = subject.tower.head ? undefined : 'the model has no unembedding, so there is no answer to read';
  const answered = await sectionOf(unread, async () => measuredOf(subject, spec), context);
  const measured = answered.found ?? [];
  const unanswered = answered.found
    ? measured.length === 0
      ? 'the prompts have no answers'
      : undefined
    : answered.why;
  const total = 7;
  const step = (done: number, label: string): Context => {
    context.signal.throwIfAborted();
    context.progress({ done, total, label });
    return quiet(context);
  };
  const part = <T>(why: string | undefined, make: () => Promise<T>): Promise<Section<T>> =>
    sectionOf(why, make, context);
  const { patterns, sharpest } = await cardPatterns(subject, inputs.slice(0, DRAWN), place, step(0, 'patterns'));
  const [{ query, key }] = sharpest;
  const request = { ids: inputs[0].ids, ...place, query, keys: [key], by: 'head' as const };
  return {
    ...place,
    metric: spec.metric,
    prompts: inputs.length,
    patterns,
    scores: await part(refusesRandom(subject), () => cardScores(subject, place, seed, step(1, 'kinds'))),
    tokens: await part(refusesTokens(subject) ?? refusesValues(subject, place), () =>
      cardTokens(subject, inputs[0], place, step(2, 'tokens'))
    ),
    direct: await part(unanswered ?? directLogitAttribution.refuses(subject), () =>
      cardDirect(subject, measured, spec.metric, place, step(3, 'direct effect'))
    ),
    ablation: await part(unanswered ?? refusesAblation(subject, place), () =>
      cardAblation(subject, measured, spec.metric, place, step(4, 'ablation'))
    ),
    partners: await part(refusesPartners(subject), () => cardPartners(subject, place, seed, step(5, 'partners'))),
    reason: await part(refusesScores(subject, place.layer), () =>
      scoreResult(subject, request, inputs[0], step(6, 'reason'))
    )
  };
}

/** Random tokens need room to be repeated, and a vocabulary. */
function refusesRandom({ maxPositions, tokens, tower }: Subject): string | undefined {
  return maxPositions !== undefined && maxPositions < 8
    ? `the model has ${maxPositions} positions, repeated tokens need 8`
    : (tokens?.vocabularySize ?? tower.embedding?.rows ?? tower.dVocab ?? undefined) === undefined
      ? 'the size of the vocabulary is not known'
      : undefined;
}

const refusesValues = (subject: Subject, { layer }: HeadPlace): string | undefined =>
  missingHook(subject, [blockHook(subject, layer, 'attn.hook_v')]);

const refusesAblation = (subject: Subject, { layer }: HeadPlace): string | undefined =>
  missingHook(subject, [blockHook(subject, layer, 'attn.hook_z')]);

const refusesPartners = (subject: Subject): string | undefined =>
  subject.tower.layers < 2 ? 'the model has one layer' : refusesFolding(subject);
