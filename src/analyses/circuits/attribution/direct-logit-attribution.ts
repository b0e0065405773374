import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { topK } from '../../../maths/top-k';
import { analysis } from '../../analysis';
import type { Check } from '../../check';
import { agree, count, number, object, oneOf, optional, table, tensor, text } from '../../check';
import { missingHook } from '../../hooks';
import { input } from '../../input';
import { cleanOnly, measuredPrompts } from '../../patching/measured-prompts';
import { PROMPTS } from '../../patching/patching-fields';
import type { Spec } from '../../spec/spec';
import { choice, integer } from '../../spec/spec';
import { encodeTensor } from '../../tensor-codec';
import { answerDirections, LINEAR_METRICS } from './answer-direction';
import { attribute, attributionHooks, neuronHook } from './attribution-run';
import { averageTerms, headTerms, type Average } from './attribution-table';
import { attributionFigures, attributionSummary, type DirectLogitAttribution } from './attribution-view';
import { refusesParts, type ReadDirections } from '../stream-parts';
import { sourceHooks, sourceTerms } from './source-terms';
import { refusesUnembedding } from '../vocabulary/vocabulary-side';

/** Heads whose source positions are shown. */
const TOP_HEADS = 10;
const MOST_NEURONS = 100;

const SPEC = {
  prompts: {
    ...PROMPTS,
    description:
      "Prompts and the tokens after them: [{clean, answer: {correct: [' Mary'], wrong: [' John']}}]; a corrupted version is not read. For one token alone give it as 'correct' and take the metric 'logit'."
  },
  metric: choice({
    title: 'Metric',
    description:
      "The difference of the two answers' logits, the logit of the correct answer, or the weighted logits of 'weights'.",
    options: LINEAR_METRICS,
    default: 'logit-diff'
  }),
  neurons: integer({
    title: 'Neurons',
    description: 'MLP neurons to list, the largest terms first.',
    default: 0,
    minimum: 0,
    maximum: MOST_NEURONS
  })
};

type AttributionSpec = Spec<typeof SPEC>;

const FIELDS: Check<DirectLogitAttribution> = object<DirectLogitAttribution>({
  values: tensor('float32', 'layer', 'head'),
  terms: table({ name: text, kind: text, value: number, deviation: number }),
  sources: tensor('float32', 'head', 'position'),
  sourceHeads: table({ layer: count, head: count }),
  neurons: table({ layer: count, neuron: count, value: number, deviation: number }),
  measured: number,
  sum: number,
  metric: oneOf(...LINEAR_METRICS),
  softcap: optional(number),
  clean: input,
  prompts: count
});

export const directLogitAttribution = analysis<typeof SPEC, DirectLogitAttribution>({
  id: 'direct-logit-attribution',
  title: 'Direct logit attribution',
  description: 'What each head, MLP and embedding adds straight to the answer’s logits, and from which tokens.',
  family: 'circuits',
  measure: 'R11',
  theory: {
    kind: 'identity',
    statement:
      'The residual stream at the last position (at the mask, where a model fills masks) is a sum of what the embedding, each head (z·W_O), the biases and each MLP wrote. With the final norm’s scale held at its measured value the logits are linear in it, so that the terms (component ∘ w)·W_U/σ and the constant add up to the model’s own logits: the norm’s weight is folded into the unembedding, and layer norm’s centring goes with it; a factor behind the unembedding (Cohere, Granite) multiplies all terms. A norm behind the heads (Gemma, OLMo 2) is passed by each with the norm’s measured scale, in post-norm blocks all norms from there to the end, whose biases are terms of their own; where logits are bent to c · tanh(x / c) behind the unembedding (Gemma 2), x is what the terms add up to.',
    caveat:
      'Direct effects only: what a component does through later layers is not in its term, and those layers answer when it is removed. The scale would change with the stream. Only differences between tokens mean something where a term is common to all logits.',
    references: [
      'Elhage et al. 2021, A Mathematical Framework for Transformer Circuits',
      'Wang et al. 2022, arXiv 2211.00593',
      'Nanda & Bloom, TransformerLens: ActivationCache.stack_head_results'
    ]
  },
  spec: SPEC,
  refuses: subject => refusesUnembedding(subject) ?? refusesParts(subject) ?? missingHook(subject, allSources(subject)),
  cost(subject, spec) {
    const prompts = measuredPrompts(subject, cleanOnly(spec.prompts), spec.metric, false);
    const ids = [prompts[0].clean.ids];
    const { bytes } = subject.cost({ ids, hooks: attributionHooks(subject, spec.neurons > 0) });
    return { forwards: 2 * prompts.length, bytes };
  },
  compute: (subject, spec, context) => compute(subject, spec, context),
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const [heads, positions] = result.sources.shape;
    agree('result.sourceHeads', heads, result.sourceHeads.columns.layer.length);
    agree('result.sources positions', result.clean.ids.length, positions);
    if (result.values.shape.includes(0) || result.prompts === 0) {
      throw new Error(`'result.values' has shape [${result.values.shape.join(', ')}] of ${result.prompts} prompts`);
    }
    return result;
  },
  figures: result => attributionFigures(result),
  summary: result => attributionSummary(result)
});

const allSources = (subject: Subject): string[] =>
  sourceHooks(
    subject,
    Array.from({ length: subject.tower.layers }, (_, layer) => layer)
  );

async function compute(subject: Subject, spec: AttributionSpec, context: Context): Promise<DirectLogitAttribution> {
  const prompts = measuredPrompts(subject, cleanOnly(spec.prompts), spec.metric, false);
  refuseNeurons(subject, spec.neurons);
  const directionOf = await answerDirections(subject, context);
  const average = averageTerms();
  const softcap = subject.tower.head?.softcap;
  const reads: ReadDirections[] = [];
  const total = 2 * prompts.length;
  for (const [at, prompt] of prompts.entries()) {
    context.signal.throwIfAborted();
    context.progress({ done: at, total, label: `forward ${at + 1} of ${total}` });
    const request = { prompt, metric: spec.metric, neurons: spec.neurons > 0 };
    const attributed = await attribute(subject, request, directionOf, context);
    reads.push(attributed.reads);
    average.add(attributed);
  }
  const made = average.end();
  const heads = headTerms(made, subject.tower);
  const top = topK(heads.map(Math.abs), TOP_HEADS).map(at => ({
    layer: Math.floor(at / subject.tower.heads),
    head: at % subject.tower.heads
  }));
  const length = prompts[0].clean.ids.length;
  const sources = new Float64Array(top.length * length);
  for (const [at, prompt] of prompts.entries()) {
    context.progress({ done: prompts.length + at, total, label: `forward ${prompts.length + at + 1} of ${total}` });
    const rows = await sourceTerms(subject, prompt, top, reads[at], context);
    rows.forEach((row, head) => row.forEach((value, s) => (sources[head * length + s] += value / prompts.length)));
  }
  context.progress({ done: total, total, label: 'done' });
  return {
    ...packed(made, heads, subject, spec.neurons),
    sources: {
      ...encodeTensor(
        { dims: ['head', 'position'], shape: [top.length, length], unit: 'logits' },
        Float32Array.from(sources)
      ),
      dtype: 'float32'
    },
    sourceHeads: { columns: { layer: top.map(({ layer }) => layer), head: top.map(({ head }) => head) } },
    metric: spec.metric,
    ...(softcap !== undefined && { softcap }),
    clean: prompts[0].clean,
    prompts: prompts.length
  };
}

function refuseNeurons(subject: Subject, neurons: number): void {
  const layers = subject.tower.blocks.flatMap(({ mlp }, layer) => (mlp ? [layer] : []));
  const why =
    layers.length === 0
      ? 'the model has no MLP'
      : missingHook(
          subject,
          layers.map(layer => neuronHook(subject, layer))
        );
  if (neurons > 0 && why !== undefined) {
    throw new Error(`neurons not served: ${why} (field 'neurons' is ${neurons})`);
  }
}

function packed(
  made: Average,
  heads: readonly number[],
  { tower }: Subject,
  neurons: number
): Pick<DirectLogitAttribution, 'values' | 'terms' | 'neurons' | 'measured' | 'sum'> {
  const labels = { dims: ['layer', 'head'], shape: [tower.layers, tower.heads], unit: 'logits' };
  const best = made.neurons.slice(0, neurons);
  return {
    values: { ...encodeTensor(labels, Float32Array.from(heads)), dtype: 'float32' },
    terms: {
      columns: {
        name: made.terms.map(({ name }) => name),
        kind: made.terms.map(({ kind }) => kind),
        value: made.terms.map(({ value }) => value),
        deviation: made.terms.map(({ deviation }) => deviation)
      }
    },
    neurons: {
      columns: {
        layer: best.map(({ layer }) => layer),
        neuron: best.map(({ neuron }) => neuron),
        value: best.map(({ value }) => value),
        deviation: best.map(({ deviation }) => deviation)
      }
    },
    measured: made.measured,
    sum: made.terms.reduce((sum, { value }) => sum + value, 0)
  };
}
