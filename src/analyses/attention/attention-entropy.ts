import type { Figure, FigureTable } from '../../figures/figure';
import { heatmaps } from '../../figures/heatmaps';
import { lines, type Series } from '../../figures/lines';
import type { Context } from '../../subject/context';
import type { Input, Subject } from '../../subject/subject';
import { stating } from '../departures';
import { analysis } from '../analysis';
import type { HeadStatistics } from './attention-statistics';
import { headStatistics } from './attention-statistics';
import type { Check } from '../check';
import { agree, flag, object, oneOf, optional, tensor } from '../check';
import {
  BASELINE,
  baselineRows,
  baselineWords,
  checkBaseline,
  withBaseline,
  withShuffled,
  type Baseline
} from '../baseline';
import { checkOthers, modelFigures, otherLines, otherProfiles, type OtherProfile } from '../geometry/profile-models';
import { encodeProfile, type ProfileMeasure } from '../geometry/profile';
import { INPUT, SEEN } from '../spec/fields';
import { select } from '../hooks';
import { headMeans, headName, indexLabels, matrices, ranked } from './head-values';
import { input } from '../input';
import { OTHERS, withOthers } from '../other-models';
import { patternCost, refusesPatterns, visitPatterns } from './pattern-runs';
import { READING, readingOf, towerAlone, towerMeant, TOWERS, type Reading } from '../reading';
import type { ResultTensor } from '../result';
import type { Spec } from '../spec/spec';
import { shortText } from '../short-text';
import { decodeTensor, encodeTensor } from '../tensor-codec';
import { textTable } from '../text-table';

/** The first axis of the values. */
const MEASURES: readonly { readonly key: keyof HeadStatistics; readonly title: string; readonly unit: string }[] = [
  { key: 'entropy', title: 'Entropy', unit: 'nats' },
  { key: 'normalised', title: 'Normalised entropy', unit: 'share of the largest (0–1)' },
  { key: 'distance', title: 'Mean distance', unit: 'tokens' },
  { key: 'sink', title: 'First-token sink', unit: 'attention weight (0–1)' }
];

/** What is compared where there are several models. */
const MEANS: readonly ProfileMeasure[] = MEASURES.map(({ key, title, unit }) => ({
  title: title.toLowerCase(),
  unit: key === 'normalised' ? 'share, 0–1' : unit
}));

export interface AttentionEntropy {
  /** [measure, layer, head]: entropy in nats, normalised entropy, distance in tokens, weight on the first token. */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  readonly input: Input;
  readonly causal: boolean;
  /** [model, measure, place]: means over the heads by layer; absent in results of older versions. */
  readonly baseline?: Baseline | undefined;
  /** Other models' means over the heads [measure, layer]; absent in results of older versions. */
  readonly others?: readonly OtherProfile[] | undefined;
  /** Of models of several. */
  readonly tower?: (typeof TOWERS)[number] | undefined;
}

const SPEC = { ...INPUT, ...SEEN, ...READING, ...BASELINE, ...OTHERS };

const FIELDS: Check<AttentionEntropy> = object<AttentionEntropy>({
  values: tensor('float32', 'measure', 'layer', 'head'),
  input,
  causal: flag,
  baseline: optional(checkBaseline(MEASURES.length)),
  others: checkOthers(MEASURES.length),
  tower: optional(oneOf(...TOWERS))
});

export const attentionEntropy = stating(
  analysis<typeof SPEC, AttentionEntropy>({
    id: 'attention-entropy',
    title: 'Attention entropy, distance and sinks',
    description: 'How widely and how far each head looks, and how much it leaves on the first token.',
    family: 'expressivity',
    measure: 'E3',
    theory: {
      kind: 'identity',
      statement:
        'H = −Σ A ln A of each row of the attention pattern, divided by the largest entropy that row can have; a uniform head gives 1, a head that copies one token 0. Low entropy in all heads is the entropy collapse that bounds what attention can mix.',
      caveat:
        'One text is one sample. A head may be flat because it is idle, not because it averages: weight parked on the first token (a sink) lowers the entropy without meaning. Windowed attention cannot reach the ln(t + 1) by which rows are normalised.',
      references: [
        'Clark et al. 2019, arXiv 1906.04341',
        'Zhai et al. 2023, arXiv 2303.06296',
        'Xiao et al. 2023, arXiv 2309.17453'
      ]
    },
    spec: SPEC,
    refuses: refusesPatterns,
    cost: (opened, spec) => {
      const { subject, read } = readingOf(opened, spec, spec.tower);
      const layers = select('layers', undefined, subject.tower.layers);
      return withOthers(spec, withBaseline(subject, spec, patternCost(subject, { rows: [read.ids], layers })));
    },
    async compute(opened, spec, context, seed) {
      const { subject, read } = longEnough(opened, spec);
      const { layers, heads, causal } = subject.tower;
      const { own, baseline } = await withShuffled(
        subject,
        spec,
        context,
        seed,
        (model, steps) => statisticsOf(model, read, steps),
        values => headMeans(values, [MEASURES.length, layers, heads])
      );
      const others = await otherProfiles(opened, spec.others, context, {
        title: 'Attention entropy',
        refuses: refusesPatterns,
        async rows(other, steps) {
          const { subject: one, read: text } = longEnough(other, spec);
          const shape = [MEASURES.length, one.tower.layers, one.tower.heads];
          return headMeans(await statisticsOf(one, text, steps), shape);
        }
      });
      const labels = { dims: ['measure', 'layer', 'head'], shape: [MEASURES.length, layers, heads] };
      return {
        values: { ...encodeTensor(labels, own), dtype: 'float32' },
        input: read,
        causal,
        baseline,
        others,
        ...(opened.reading && { tower: towerMeant(opened, spec.tower) })
      };
    },
    validateResult(value) {
      const result = FIELDS(value, 'result');
      agree('result.values measures', MEASURES.length, result.values.shape[0]);
      if (result.values.shape.includes(0)) {
        throw new Error(`'result.values' has shape [${result.values.shape.join(', ')}]: an empty axis`);
      }
      if (result.baseline) {
        agree('result.baseline places', result.values.shape[1], result.baseline.shape[2]);
      }
      return result;
    },
    figures: result => figures(result),
    summary: result => summary(result)
  }),
  ['positions', 'mlps', 'skips', 'cross'],
  undefined,
  (opened, spec) => towerAlone(opened, spec.tower)
);

function longEnough(opened: Subject, spec: Spec<typeof SPEC>): Reading {
  const reading = readingOf(opened, spec, spec.tower);
  if (reading.read.ids.length < 2) {
    throw new Error(`attention entropy: needs at least 2 tokens, got ${reading.read.ids.length}`);
  }
  return reading;
}

/** [measure, layer, head] of one model. */
async function statisticsOf(subject: Subject, { ids }: Input, context: Context): Promise<Float32Array> {
  const { layers, heads, causal } = subject.tower;
  const values = new Float32Array(MEASURES.length * layers * heads);
  const request = { rows: [ids], layers: select('layers', undefined, layers) };
  await visitPatterns(subject, request, context, pattern => {
    for (let head = 0; head < heads; head++) {
      const statistics = headStatistics(pattern, head, causal);
      MEASURES.forEach(({ key }, m) => (values[(m * layers + pattern.layer) * heads + head] = statistics[key]));
    }
  });
  return values;
}

function figures(result: AttentionEntropy): Figure[] {
  const [, normalised, distance, sink] = matrices(result.values);
  const [, layers, heads] = result.values.shape;
  // A colour bar needs a range, even where every head looks at itself alone.
  const furthest = Math.max(0.1, ...distance.flat());
  const length = result.input.ids.length;
  const rule = result.causal
    ? 'Row t is divided by ln(t + 1); row 0 is left out.'
    : `Rows are divided by ln ${length}; attention is bidirectional.`;
  return [
    heatmaps({
      title: 'Attention entropy, distance and sinks',
      caption: `${result.tower ? `Self-attention of the ${result.tower}. ` : ''}Means over the query positions of one text of ${length} tokens. ${rule} Layer 0 is at the top.`,
      alt: altText(result),
      panels: [
        { ...panel(1), values: normalised, range: [0, 1] },
        { ...panel(2), values: distance, range: [0, furthest] },
        { ...panel(3), values: sink, range: [0, 1] }
      ],
      rows: { title: 'layer', labels: indexLabels(layers) },
      columns: { title: 'head', labels: indexLabels(heads) },
      cell: headName,
      table: table(result)
    }),
    lines({
      title: 'Profile by layer',
      caption: `A point is a head, the line their mean.${baselineWords(result.baseline ?? null)}`,
      alt: profileAlt(normalised, sink),
      x: { title: 'layer', labels: indexLabels(layers) },
      y: { title: 'normalised entropy, sink (0–1)', range: [0, 1.02] },
      series: [
        { name: 'normalised entropy', samples: normalised, member: headName },
        { name: 'first-token sink', samples: sink, member: headName },
        ...shuffledSeries(result)
      ]
    }),
    ...modelFigures(
      MEANS,
      { values: encodeProfile(headMeans(decodeTensor(result.values), result.values.shape)), others: result.others },
      { title: 'layer', labels: indexLabels(layers) },
      [
        { title: 'Attention', measures: [1, 3], range: [0, 1.02] },
        { title: 'Attention', measures: [2] }
      ],
      'Means over the heads of each layer; a model with fewer layers ends earlier.'
    )
  ];
}

/** Means over the heads of the shuffled models, beside the two series of the profile. */
function shuffledSeries({ baseline = null }: AttentionEntropy): Series[] {
  const [, normalised, , sink] = baselineRows(baseline);
  return [
    { name: 'normalised entropy, shuffled', samples: normalised, beside: 0 },
    { name: 'first-token sink, shuffled', samples: sink, beside: 1 }
  ].flatMap(({ samples, ...one }) =>
    samples ? [{ ...one, samples, member: (layer: number, model: number) => `layer ${layer}, copy ${model}` }] : []
  );
}

const panel = (measure: number): { title: string; unit: string } => MEASURES[measure];

function profileAlt(normalised: readonly (readonly number[])[], sink: readonly (readonly number[])[]): string {
  const means = (matrix: readonly (readonly number[])[]): string =>
    matrix.map(row => (row.reduce((a, b) => a + b, 0) / row.length).toFixed(2)).join(', ');
  return shortText(`Mean over the heads by layer. Normalised entropy: ${means(normalised)}. Sink: ${means(sink)}.`);
}

function extremes(result: AttentionEntropy): { name: string; title: string; unit: string; value: number }[] {
  const [, normalised, distance, sink] = matrices(result.values).map(matrix => ranked(matrix));
  const one = (
    title: string,
    measure: number,
    { layer, head, value }: (typeof sink)[number]
  ): ReturnType<typeof extremes>[number] => ({
    name: headName(layer, head),
    title,
    unit: MEASURES[measure].unit,
    value
  });
  return [
    one('widest', 1, normalised[0]),
    one('narrowest', 1, normalised[normalised.length - 1]),
    one('farthest', 2, distance[0]),
    one('strongest sink', 3, sink[0])
  ];
}

function altText(result: AttentionEntropy): string {
  const [, layers, heads] = result.values.shape;
  const named = extremes(result).map(({ title, name, value }) => `${title} ${name} ${value.toFixed(2)}`);
  return shortText(
    `Maps of ${layers} layers × ${heads} heads: normalised entropy, mean distance, first-token sink. ${named.join('; ')}.`
  );
}

/** A row for each head, by layer. */
function table(result: AttentionEntropy): FigureTable {
  const all = matrices(result.values);
  const [, layers, heads] = result.values.shape;
  const rows = Array.from({ length: layers * heads }, (_, i) => {
    const [layer, head] = [Math.floor(i / heads), i % heads];
    return [headName(layer, head), ...all.map(matrix => Number(matrix[layer][head].toFixed(4)))];
  });
  const columns = ['head', ...MEASURES.map(({ title, unit }) => `${title.toLowerCase()} (${unit})`)];
  return { columns, rows: rows.slice(0, 50), omitted: Math.max(0, rows.length - 50) };
}

function summary(result: AttentionEntropy): string {
  const [, layers, heads] = result.values.shape;
  const all = matrices(result.values);
  const mean = (row: readonly number[]): string => (row.reduce((a, b) => a + b, 0) / row.length).toFixed(3);
  const step = Math.ceil(layers / 24);
  const shown = Array.from({ length: layers }, (_, layer) => layer).filter(layer => layer % step === 0);
  return [
    `Attention entropy: ${layers} layers x ${heads} heads, ${result.input.ids.length} tokens, ` +
      `${result.causal ? 'causal, normalised by ln(t+1), row 0 left out' : 'bidirectional, normalised by ln T'}`,
    ...extremes(result).map(({ title, name, value, unit }) => `${title}: ${name} ${value.toFixed(3)} ${unit}`),
    ...otherLines(MEANS, result.others),
    'means over the heads by layer:',
    ...textTable(
      ['layer', ...MEASURES.map(({ title, unit }) => (unit.length < 8 ? `${title} (${unit})` : title).toLowerCase())],
      shown.map(layer => [layer, ...all.map(matrix => mean(matrix[layer]))])
    )
  ].join('\n');
}
