import type { Input, Subject } from '../../subject/subject';
import { analysis } from '../analysis';
import type { Check } from '../check';
import { agree, count, list, number, object, oneOf, optional, table, tensor, text } from '../check';
import { INPUT } from '../spec/fields';
import { missingHook, select } from '../hooks';
import { input } from '../input';
import type { LensReading } from './lens-rows';
import { predictionDepth } from './lens-rows';
import { classifierOf, readClasses, type Classifier } from './class-lens';
import { lensComponents, refusesComponents } from './lens-components';
import { LENS_BY, lensRequest, lensRows, readLens, refusesSublayers, type LensBy, type LensRun } from './lens-run';
import { lensFigure, lensSummary } from './lens-view';
import { DECODER_INPUT, decoderOf, readingOf } from '../reading';
import { refusesLogits } from '../refuses-logits';
import type { ResultTable, ResultTensor } from '../result';
import type { Spec } from '../spec/spec';
import { choice, indices, integer } from '../spec/spec';
import { encodeTensor } from '../tensor-codec';

/** Rows × positions × tokens that are saved: about 100 kB. */
const MOST_CELLS = 6000;

export interface LogitLens {
  /** Probability of the k most probable tokens [layer, position, k]; layer 0 is the embedding, layer l + 1 what leaves block l. */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  /** Their ids [layer, position, k]. */
  readonly ids: ResultTensor & { readonly dtype: 'int32' };
  /** KL(output ‖ layer) [layer, position], nats; 0 in the last row, which is the model's output itself. */
  readonly kl: ResultTensor & { readonly dtype: 'float32' };
  /** [layer, position], nats. */
  readonly entropy: ResultTensor & { readonly dtype: 'float32' };
  /** Rank of the output's top token [layer, position], 1 = first. */
  readonly rank: ResultTensor & { readonly dtype: 'int32' };
  /** First row from which the top token no longer changes, for each position; none by component. */
  readonly depth: readonly number[];
  readonly positions: readonly number[];
  readonly input: Input;
  /** id, label of every token in `ids`. */
  readonly vocabulary: ResultTable;
  /** Largest |lens on the last block − model's output|, logits; of components: |their sum − model's output|. */
  readonly outputError: number;
  /** Absent: by layer. */
  readonly by?: LensBy;
  /** Names of the first axis; absent by layer. */
  readonly rows?: readonly string[];
  /** Of a classifier: classes in the stead of tokens, for the whole text (its one position is then none of the text's) or for each token. */
  readonly classes?: 'text' | 'token';
  /** By component, [layer, position]: the logit that it adds to the output's top token, above its mean over the vocabulary. */
  readonly contributions?: ResultTensor & { readonly dtype: 'float32' };
}

const SPEC = {
  ...INPUT,
  ...DECODER_INPUT,
  by: choice({
    title: 'By',
    description:
      'Rows: the stream after each layer; after each attention and each MLP as well (sublayer); or what each of them writes alone, with the final norm’s scale held (component).',
    options: LENS_BY,
    default: 'layer'
  }),
  positions: indices({
    title: 'Positions',
    description: 'Positions to show, counted from 0; absent = all, or the last ones that fit.'
  }),
  topK: integer({
    title: 'Tokens a cell',
    description: 'Most probable tokens kept.',
    default: 5,
    minimum: 1,
    maximum: 20
  }),
  colour: choice({
    title: 'Colour by',
    description: "The top token's probability, or the divergence KL(output ‖ layer).",
    options: ['probability', 'kl'],
    default: 'probability'
  })
};

type LensSpec = Spec<typeof SPEC>;

const FIELDS: Check<LogitLens> = object<LogitLens>({
  values: tensor('float32', 'layer', 'position', 'k'),
  ids: tensor('int32', 'layer', 'position', 'k'),
  kl: tensor('float32', 'layer', 'position'),
  entropy: tensor('float32', 'layer', 'position'),
  rank: tensor('int32', 'layer', 'position'),
  depth: list(count),
  positions: list(count),
  input,
  vocabulary: table({ id: count, label: text }),
  outputError: number,
  by: optional(oneOf(...LENS_BY)),
  rows: optional(list(text)),
  classes: optional(oneOf('text', 'token')),
  contributions: optional(tensor('float32', 'layer', 'position'))
});

export const logitLens = analysis<typeof SPEC, LogitLens>({
  id: 'logit-lens',
  title: 'Logit lens',
  description: 'What the model would predict after each layer: the prediction as it forms.',
  family: 'expressivity',
  measure: 'R9',
  theory: {
    kind: 'identity',
    statement:
      'softmax(LN_f(h_l)·W_U): the final norm and the unembedding, by the file’s own nodes, applied to the residual stream after each block. In the last row it is the model’s output itself. A component’s logits are its term of the output’s, the norm’s scale held at its measured value: they add up to the output. Of a classifier: its own layers, whatever they are, applied to the stream of each layer at all positions; its classes have the names that config.json gives them.',
    caveat:
      'Assumes that every layer writes in the basis of the last one. Earlier layers may use another, so an early row can mislead; a tuned lens corrects for it. The softmax of one component alone is no prediction: only its differences between tokens mean something.',
    references: ['nostalgebraist 2020, interpreting GPT: the logit lens', 'Belrose et al. 2023, arXiv 2303.08112']
  },
  spec: SPEC,
  refuses(opened) {
    const subject = decoderOf(opened);
    return (
      refusesClasses(subject) ??
      missingHook(
        subject,
        lensRows(subject, 'layer').map(({ hook }) => hook)
      )
    );
  },
  cost: (opened, spec) => {
    const { subject, read } = readingOf(opened, spec, 'decoder');
    return subject.cost(lensRequest(subject, read.ids, spec.by));
  },
  async compute(opened, spec, context) {
    const { subject, read } = readingOf(opened, spec, 'decoder');
    refuseRows(subject, spec.by);
    const classes = classesOf(subject);
    const positions = choosePositions(subject, spec, read.ids.length);
    const { by, topK } = spec;
    const run =
      by === 'component'
        ? await lensComponents(subject, read.ids, positions, topK, context)
        : classes
          ? await readClasses(subject, classes, read.ids, positions, topK, by, context)
          : await readLens(subject, read.ids, positions, topK, by, context);
    const { readings, outputError } = run;
    return {
      ...pack(readings, topK),
      ...(by !== 'layer' && namedRows(subject, by, run)),
      positions,
      input: read,
      outputError,
      ...(classes && { classes: classes.pooled ? ('text' as const) : ('token' as const) }),
      vocabulary: labels(readings, id => (classes ? classes.labels[id] : subject.tokens?.label(id)))
    };
  },
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const [layers, positions, k] = result.values.shape;
    agree('result.positions', positions, result.positions.length);
    agree('result.depth', result.by === 'component' ? 0 : positions, result.depth.length);
    agree('result.rows', layers, result.rows?.length ?? layers);
    agree(
      'result.ids.shape',
      layers * positions * k,
      result.ids.shape.reduce((a, b) => a * b, 1)
    );
    for (const name of ['ids', 'kl', 'entropy', 'rank'] as const) {
      agree(`result.${name} layers`, layers, result[name].shape[0]);
      agree(`result.${name} positions`, positions, result[name].shape[1]);
    }
    const { shape = result.kl.shape } = result.contributions ?? {};
    agree('result.contributions layers', layers, shape[0]);
    agree('result.contributions positions', positions, shape[1]);
    if (!(layers > 1 && positions > 0 && k > 0)) {
      throw new Error(`'result.values' has shape [${result.values.shape.join(', ')}]: an empty axis`);
    }
    if (![...result.positions].every(position => position < result.input.ids.length)) {
      throw new Error(`'result.positions' goes beyond the ${result.input.ids.length} tokens`);
    }
    return result;
  },
  figures: (result, spec) => [lensFigure(result, spec.colour)],
  summary: lensSummary
});

/** A classifier's labels stand in for logits over a vocabulary. */
function refusesClasses(subject: Subject): string | undefined {
  const classes = classifierOf(subject);
  return classes === undefined ? refusesLogits(subject) : 'why' in classes ? classes.why : undefined;
}

function classesOf(subject: Subject): Classifier | undefined {
  const classes = classifierOf(subject);
  return classes && 'labels' in classes ? classes : undefined;
}

function refuseRows(subject: Subject, by: LensBy): void {
  const why =
    by === 'layer'
      ? undefined
      : by === 'sublayer'
        ? refusesSublayers(subject)
        : ((classesOf(subject) && 'a classifier is no linear function of the stream') ?? refusesComponents(subject));
  const missing =
    why ??
    missingHook(
      subject,
      lensRows(subject, by).map(({ hook }) => hook)
    );
  if (missing !== undefined) {
    throw new Error(`logit lens by ${by} not possible on '${subject.facts.label}': ${missing}`);
  }
}

function namedRows(
  subject: Subject,
  by: 'sublayer' | 'component',
  { contributions }: LensRun
): Pick<LogitLens, 'by' | 'rows' | 'contributions'> & Partial<Pick<LogitLens, 'depth'>> {
  const rows = lensRows(subject, by).map(({ name }) => name);
  if (!contributions) {
    return { by, rows };
  }
  const shape = [contributions.length, contributions[0].length];
  const labels = { dims: ['layer', 'position'], shape, unit: 'logits' };
  return {
    by,
    rows: [...rows, 'output'],
    contributions: { ...encodeTensor(labels, Float32Array.from(contributions.flat())), dtype: 'float32' },
    depth: []
  };
}

function choosePositions(subject: Subject, spec: LensSpec, length: number): readonly number[] {
  if (classesOf(subject)?.pooled) {
    if (spec.positions) {
      throw new Error(
        `field 'positions' is for outputs of each token, '${subject.facts.label}' classifies the whole text`
      );
    }
    return [0];
  }
  const most = Math.max(
    1,
    Math.floor(MOST_CELLS / ((lensRows(subject, spec.by).length + (spec.by === 'component' ? 1 : 0)) * spec.topK))
  );
  const chosen = select('positions', spec.positions, length);
  if (spec.positions && chosen.length > most) {
    throw new Error(`field 'positions' names ${chosen.length} positions, at most ${most} fit an output of this model`);
  }
  return chosen.slice(-most);
}

function pack(
  readings: readonly (readonly LensReading[])[],
  k: number
): Pick<LogitLens, 'values' | 'ids' | 'kl' | 'entropy' | 'rank' | 'depth'> {
  const all = readings.flat();
  const shape = [readings.length, readings[0].length];
  const width = Math.min(k, all[0].ids.length);
  const dims = ['layer', 'position'];
  const tokens = { dims: [...dims, 'k'], shape: [...shape, width] };
  const float = (pick: (reading: LensReading) => number): LogitLens['kl'] => ({
    ...encodeTensor({ dims, shape, unit: 'nats' }, Float32Array.from(all, pick)),
    dtype: 'float32'
  });
  const probabilities = Float32Array.from(all.flatMap(reading => reading.probabilities));
  return {
    values: { ...encodeTensor({ ...tokens, unit: 'probability' }, probabilities), dtype: 'float32' },
    ids: { ...encodeTensor(tokens, Int32Array.from(all.flatMap(reading => reading.ids))), dtype: 'int32' },
    kl: float(reading => reading.kl),
    entropy: float(reading => reading.entropy),
    rank: {
      ...encodeTensor(
        { dims, shape },
        Int32Array.from(all, reading => reading.rank)
      ),
      dtype: 'int32'
    },
    depth: readings[0].map((_, position) => predictionDepth(readings.map(row => row[position].ids[0])))
  };
}

function labels(
  readings: readonly (readonly LensReading[])[],
  labelOf: (id: number) => string | undefined
): ResultTable {
  const id = [...new Set(readings.flat().flatMap(reading => reading.ids))].sort((a, b) => a - b);
  return { columns: { id, label: id.map(one => labelOf(one) ?? String(one)) } };
}
