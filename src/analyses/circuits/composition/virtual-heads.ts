import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { topK } from '../../../maths/top-k';
import { analysis } from '../../analysis';
import type { Check } from '../../check';
import { agree, count, gappedTensor, list, number, object, oneOf, table, tensor, text } from '../../check';
import { missingHook } from '../../hooks';
import { input } from '../../input';
import { cleanOnly, measuredPrompts } from '../../patching/measured-prompts';
import { PROMPTS } from '../../patching/patching-fields';
import { quiet } from '../../quiet';
import type { Spec } from '../../spec/spec';
import { choice, integer } from '../../spec/spec';
import { answerDirections, LINEAR_METRICS } from '../attribution/answer-direction';
import { attribute, attributionHooks } from '../attribution/attribution-run';
import { averageTerms } from '../attribution/attribution-table';
import { section, sectionOf } from '../card/card-section';
import { directLogitAttribution } from '../attribution/direct-logit-attribution';
import { productPatterns } from './product-patterns';
import { refusesNormedWrites } from '../stream-parts';
import { Sums } from '../attribution/sums';
import { refusesVirtualScores, virtualScores, type HeadPair, type VirtualScores } from './virtual-scores';
import { ORIGINS, virtualHooks, virtualTerms } from './virtual-terms';
import { BY_HEAD, BY_LAYER, mapOf, originTable, pathsOf, topTable } from './virtual-table';
import { virtualFigures, virtualSummary, type VirtualHeads } from './virtual-view';

/** Pairs whose pattern product is drawn. */
const DRAWN = 3;
/** A head's terms must make up its direct term: relative to the sum of all terms' sizes. */
const TOLERANCE = 5e-3;

const SPEC = {
  prompts: {
    ...PROMPTS,
    description:
      "Prompts and the tokens after them: [{clean, answer: {correct: [' Mary'], wrong: [' John']}}]; a corrupted version is not read. All of one length."
  },
  metric: choice({
    title: 'Metric',
    description: 'What the heads’ direct terms are read by, at the last position of each prompt, or at its mask.',
    options: LINEAR_METRICS,
    default: 'logit-diff'
  }),
  pairs: integer({
    title: 'Pairs listed',
    description: 'Pairs of heads to list, the largest terms first; the first three are drawn.',
    default: 10,
    minimum: 1,
    maximum: 50
  })
};

type VirtualSpec = Spec<typeof SPEC>;

const FIELDS: Check<VirtualHeads> = object<VirtualHeads>({
  values: gappedTensor(BY_HEAD, BY_LAYER),
  top: table({ fromLayer: count, fromHead: count, toLayer: count, toHead: count, value: number, deviation: number }),
  scores: section(object<VirtualScores>({ composition: list(number, 50), copying: list(number, 50) })),
  patterns: list(tensor('uint8', 'query', 'key'), DRAWN),
  origins: table({ layer: count, head: count, embeddings: number, heads: number, MLPs: number, biases: number }),
  paths: table({ name: text, value: number }),
  measured: number,
  sum: number,
  metric: oneOf(...LINEAR_METRICS),
  clean: input,
  prompts: count,
  layers: count,
  heads: count
});

export const virtualHeads = analysis<typeof SPEC, VirtualHeads>({
  id: 'virtual-heads',
  title: 'Virtual attention heads',
  description: 'What pairs of heads say together: the answer’s logits by paths through one head and through two.',
  family: 'circuits',
  theory: {
    kind: 'identity',
    statement:
      'A head that reads what an earlier head wrote acts with it as one head: its pattern is the product A₂·A₁, its output circuit W_V¹W_O¹·W_V²W_O². With the norms’ scales held at their measured values a head’s direct term is exactly the sum over what wrote the stream that its values were read from: embeddings, earlier heads (one virtual head each), MLPs, biases. With the direct path these add up to the model’s own logits. In a model of two layers without MLPs this is its whole expansion.',
    caveat:
      'Direct effects of values only: queries and keys, through which heads also compose, stay as they are (see composition and path patching). The earlier head’s write includes what it read from heads before it. Norms’ scales would change with the stream.',
    references: [
      'Elhage et al. 2021, A Mathematical Framework for Transformer Circuits: Virtual Attention Heads',
      'Nanda & Bloom, TransformerLens: FactoredMatrix'
    ]
  },
  spec: SPEC,
  refuses: subject =>
    subject.tower.layers < 2
      ? 'the model has 1 layer: a virtual head needs a head that reads what another wrote'
      : (directLogitAttribution.refuses(subject) ?? refusesNormedWrites(subject) ?? refusesReading(subject)),
  cost(subject, spec) {
    const prompts = measuredPrompts(subject, cleanOnly(spec.prompts), spec.metric, false);
    const { bytes } = subject.cost({ ids: [prompts[0].clean.ids], hooks: hooksOf(subject) });
    return { forwards: 2 * prompts.length, bytes };
  },
  compute: (subject, spec, context) => compute(subject, spec, context),
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const { layers, heads, values, top, origins, scores, patterns, clean } = result;
    const side = values.dims.join() === BY_HEAD.join() ? layers * heads : layers;
    agree('result.values', side, values.shape[0]);
    agree('result.values columns', side, values.shape[1]);
    agree('result.origins', layers * heads, origins.columns.layer.length);
    const pairs = top.columns.value.length;
    for (const numbers of scores.found ? [scores.found.composition, scores.found.copying] : []) {
      agree('result.scores', pairs, numbers.length);
    }
    const { fromLayer, toLayer, fromHead, toHead } = top.columns;
    const outside =
      [...fromLayer, ...toLayer].some(layer => Number(layer) >= layers) ||
      [...fromHead, ...toHead].some(head => Number(head) >= heads);
    const strange = patterns.some(({ shape }) => shape[0] !== shape[1] || shape[0] > clean.ids.length);
    if (side === 0 || outside || strange || patterns.length > pairs || result.prompts === 0) {
      throw new Error(
        `'result.top': ${pairs} pairs of ${layers} layers with ${heads} heads do not fit its other parts`
      );
    }
    return result;
  },
  figures: result => virtualFigures(result),
  summary: result => virtualSummary(result)
});

const hooksOf = (subject: Subject): string[] => [
  ...new Set([...attributionHooks(subject, false), ...virtualHooks(subject)])
];

function refusesReading(subject: Subject): string | undefined {
  const { blocks } = subject.tower;
  const unread = blocks.findIndex(({ attention }) => attention.v.weight === undefined);
  const normless = blocks.findIndex(({ norms }) =>
    norms.some(({ role, epsilon }) => role === 'ln1' && epsilon === undefined)
  );
  return unread >= 0
    ? `layer ${unread} does not store W_V as numbers that are understood`
    : normless >= 0
      ? `the ln1 of layer ${normless} has no known epsilon`
      : missingHook(subject, virtualHooks(subject));
}

async function compute(subject: Subject, spec: VirtualSpec, context: Context): Promise<VirtualHeads> {
  const prompts = measuredPrompts(subject, cleanOnly(spec.prompts), spec.metric, false);
  const directionOf = await answerDirections(subject, context);
  const { layers, heads } = subject.tower;
  const all = layers * heads;
  const [pairs, origins] = [new Sums(all * all), new Sums(all * ORIGINS.length)];
  const average = averageTerms();
  const total = 2 * prompts.length + 1;
  for (const [at, prompt] of prompts.entries()) {
    context.signal.throwIfAborted();
    context.progress({ done: 2 * at, total, label: `prompt ${at + 1} of ${prompts.length}` });
    const attributed = await attribute(subject, { prompt, metric: spec.metric, neurons: false }, directionOf, context);
    const cache = await subject.forward({ ids: [prompt.clean.ids], hooks: virtualHooks(subject) }, quiet(context));
    const found = await virtualTerms(subject, cache, prompt, attributed.direction);
    checkOrigins(attributed.terms, found.origins);
    average.add(attributed);
    pairs.add(found.pairs);
    origins.add(found.origins);
  }
  const made = average.end();
  const top = topK(pairs.means.map(Math.abs), spec.pairs).filter(at => pairs.mean(at) !== 0);
  const chosen = top.map((at): HeadPair => ({
    from: placeOf(Math.floor(at / all), heads),
    to: placeOf(at % all, heads)
  }));
  context.progress({ done: total - 1, total, label: 'weights' });
  const scores = await sectionOf(
    refusesVirtualScores(subject),
    () => virtualScores(subject, chosen, quiet(context)),
    context
  );
  const patterns = await productPatterns(subject, prompts[0].clean.ids, chosen.slice(0, DRAWN), context);
  context.progress({ done: total, total, label: 'done' });
  return {
    values: mapOf(pairs, layers, heads),
    top: topTable(chosen, top, pairs),
    scores,
    patterns,
    origins: originTable(origins, heads, all),
    ...pathsOf(made, pairs, origins),
    measured: made.measured,
    metric: spec.metric,
    clean: prompts[0].clean,
    prompts: prompts.length,
    layers,
    heads
  };
}

const placeOf = (at: number, heads: number): HeadPair['from'] => ({ layer: Math.floor(at / heads), head: at % heads });

/** Throws where what a head read does not make up what it says. */
function checkOrigins(
  terms: readonly { readonly name: string; readonly kind: string; readonly value: number }[],
  origins: Float64Array
): void {
  const size = terms.reduce((sum, { value }) => sum + Math.abs(value), 0);
  terms
    .filter(({ kind }) => kind === 'head')
    .forEach(({ name, value }, at) => {
      const own = origins.subarray(at * ORIGINS.length, (at + 1) * ORIGINS.length);
      const sum = own.reduce((all, one) => all + one, 0);
      if (!(Math.abs(sum - value) <= TOLERANCE * Math.max(1, size))) {
        throw new Error(
          `terms do not add up: what ${name} reads makes ${sum.toPrecision(5)} where its direct term is ${value.toPrecision(5)} logits`
        );
      }
    });
}
