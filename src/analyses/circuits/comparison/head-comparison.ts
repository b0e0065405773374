import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { analysis } from '../../analysis';
import type { Check } from '../../check';
import { agree, count, list, number, object, orNull, tensor, text } from '../../check';
import { SCORES } from '../../attention/diagonal-scores';
import { INPUT } from '../../spec/fields';
import { headScores } from '../../attention/head-scores';
import { input, inputOf } from '../../input';
import { patternCost, refusesPatterns } from '../../attention/pattern-runs';
import { PROMPTS } from '../../patching/patching-fields';
import type { ResultTensor } from '../../result';
import { flag, integer, text as textField, type Spec } from '../../spec/spec';
import { decodeTensor, encodeTensor } from '../../tensor-codec';
import { refuseIncomparable } from './comparable';
import { comparisonFigures, comparisonSummary, type HeadComparison } from './comparison-view';
import { directLogitAttribution } from '../attribution/direct-logit-attribution';
import { logitDrift } from './logit-drift';
import { patternDrift } from './pattern-drift';

const SPEC = {
  ...INPUT,
  other: textField({
    title: 'Other model',
    description:
      'The second model: a folder or an .onnx file, named as the first is. It has the same layers, heads and tokenizer: another checkpoint or another precision.',
    maxLength: 1024
  }),
  batch: integer({
    title: 'Sequences',
    description: 'Random sequences that head scores are averaged over.',
    default: 5,
    minimum: 1,
    maximum: 64
  }),
  length: integer({
    title: 'Length',
    description: 'Random tokens of a block, which is repeated once.',
    default: 30,
    minimum: 4,
    maximum: 512
  }),
  direct: flag({
    title: 'Direct attribution',
    description: 'Compare the direct logit attribution of the prompts, too.',
    default: false
  }),
  prompts: {
    ...PROMPTS,
    description: `For the direct attribution alone. ${PROMPTS.description}`
  }
};

type ComparisonSpec = Spec<typeof SPEC>;

const FIELDS: Check<HeadComparison> = object<HeadComparison>({
  models: list(object({ label: text, hash: text }), 2),
  drift: tensor('float32', 'layer', 'head'),
  scores: tensor('float32', 'model', 'score', 'layer', 'head'),
  direct: orNull(tensor('float32', 'model', 'layer', 'head')),
  measured: list(number, 2),
  logits: orNull(object({ kl: number, agreement: number })),
  input,
  sequences: count,
  length: count
});

export const headComparison = analysis<typeof SPEC, HeadComparison>({
  id: 'head-comparison',
  title: 'Comparison of heads',
  description:
    'What becomes of each head in a second model: another checkpoint, or the same weights in another precision.',
  family: 'circuits',
  theory: {
    kind: 'identity',
    statement:
      'Both models read the same tokens. Drift is half the sum of |A − B| over the keys, the total variation distance of two attention patterns, the mean over the queries: the share of its attention that a head gives elsewhere. Scores of both are those of head scores, on the same random tokens.',
    caveat:
      'Heads are compared place by place: two models that were trained apart may have the same heads in other places. A pattern that stays says nothing of what the head writes. One text is a sample of one.',
    references: ['Olsson et al. 2022, arXiv 2209.11895', 'Tigges et al. 2024, arXiv 2407.10827']
  },
  spec: SPEC,
  readsPrompts: ({ direct }) => direct,
  refuses: refusesPatterns,
  cost(subject, spec) {
    const rows = [inputOf(subject, spec).ids];
    const layers = Array.from({ length: subject.tower.layers }, (_, layer) => layer);
    const { bytes } = patternCost(subject, { rows, layers });
    return { forwards: 2 * (2 + spec.batch), bytes: 2 * bytes };
  },
  compute: (subject, spec, context, seed) => compute(subject, spec, context, seed),
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const [layers, heads] = result.drift.shape;
    agree('result.models', 2, result.models.length);
    const wanted = [2, SCORES.length, layers, heads].join();
    if (
      result.scores.shape.join() !== wanted ||
      (result.direct && result.direct.shape.join() !== [2, layers, heads].join())
    ) {
      throw new Error(
        `'result.scores' has shape [${result.scores.shape.join(', ')}] beside ${layers} layers of ${heads} heads`
      );
    }
    if (layers * heads === 0 || (result.direct && result.measured.length !== 2)) {
      throw new Error(`'result.drift' has shape [${result.drift.shape.join(', ')}]`);
    }
    return result;
  },
  figures: result => comparisonFigures(result),
  summary: result => comparisonSummary(result)
});

async function compute(
  subject: Subject,
  spec: ComparisonSpec,
  context: Context,
  seed: number
): Promise<HeadComparison> {
  if (spec.other === undefined || spec.other.trim() === '') {
    throw new Error("other model missing: field 'other' names none, give its path as the first model's is given");
  }
  const read = inputOf(subject, spec);
  if (!context.open) {
    throw new Error(`other model not opened: nothing opens '${spec.other}' here`);
  }
  const second = await context.open(spec.other);
  try {
    refuseIncomparable(subject, second);
    const models: readonly [Subject, Subject] = [subject, second];
    const step = (done: number, label: string): Context => {
      context.signal.throwIfAborted();
      context.progress({ done, total: 4, label });
      return { signal: context.signal, progress: context.progress };
    };
    const drift = await patternDrift(models, read.ids, step(0, 'patterns'));
    const logits = await logitDrift(models, read.ids, step(1, 'logits'));
    const scored = await scoresOf(models, spec, step(2, 'scores'), seed);
    const direct = spec.direct ? await directOf(models, spec, step(3, 'direct attribution'), seed) : undefined;
    const { layers, heads } = subject.tower;
    return {
      models: models.map(({ facts }) => ({ label: facts.label, hash: facts.hash })),
      drift: packed(['layer', 'head'], [layers, heads], drift),
      scores: packed(['model', 'score', 'layer', 'head'], [2, SCORES.length, layers, heads], scored.values),
      direct: direct ? packed(['model', 'layer', 'head'], [2, layers, heads], direct.values) : null,
      measured: direct?.measured ?? [],
      logits: logits ?? null,
      input: read,
      sequences: spec.batch,
      length: scored.length
    };
  } finally {
    await second.close();
  }
}

const packed = (dims: readonly string[], shape: readonly number[], values: Float32Array): HeadComparison['drift'] => ({
  ...encodeTensor({ dims, shape }, values),
  dtype: 'float32'
});

const joined = (parts: readonly (ResultTensor & { readonly dtype: 'float32' })[]): Float32Array =>
  Float32Array.from(parts.flatMap(part => [...decodeTensor(part)]));

/** Throws where the models would not read the same random tokens. */
async function scoresOf(
  models: readonly Subject[],
  { batch, length }: ComparisonSpec,
  context: Context,
  seed: number
): Promise<{ readonly values: Float32Array; readonly length: number }> {
  const most = Math.min(length, ...models.map(({ maxPositions }) => Math.floor((maxPositions ?? Infinity) / 2)));
  const found = [];
  for (const [at, subject] of models.entries()) {
    // A model without a tokenizer does not know which ids are special: the first model says it for both.
    const reader = at === 0 || subject.tokens || !models[0].tokens ? subject : { ...subject, tokens: models[0].tokens };
    found.push(await headScores.compute(reader, { batch, length: most }, context, seed));
  }
  if (found[0].ids.data !== found[1].ids.data) {
    throw new Error(
      `vocabularies differ: '${models[0].facts.label}' and '${models[1].facts.label}' do not have the same tokens beside the special ones`
    );
  }
  return { values: joined(found.map(({ values }) => values)), length: found[0].length };
}

/** Throws where one of the models cannot be taken apart. */
async function directOf(
  models: readonly Subject[],
  { prompts }: ComparisonSpec,
  context: Context,
  seed: number
): Promise<{ readonly values: Float32Array; readonly measured: readonly number[] }> {
  const found = [];
  for (const [at, subject] of models.entries()) {
    const why = directLogitAttribution.refuses(subject);
    if (why !== undefined) {
      throw new Error(`direct attribution of '${subject.facts.label}': ${why} (field 'direct' is true)`);
    }
    const reader =
      at === 0 || subject.tokens || !models[0].tokens
        ? subject
        : { ...subject, tokens: models[0].tokens, input: models[0].input };
    found.push(
      await directLogitAttribution.compute(reader, { prompts, metric: 'logit-diff', neurons: 0 }, context, seed)
    );
  }
  return { values: joined(found.map(({ values }) => values)), measured: found.map(({ measured }) => measured) };
}
