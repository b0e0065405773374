import { heatmaps } from '../../../figures/heatmaps';
import type { PlotlyFigure } from '../../../figures/figure';
import type { Context } from '../../../subject/context';
import type { Input, Subject } from '../../../subject/subject';
import { analysis } from '../../analysis';
import { agree, count, list, number, object, optional, tensor, type Check } from '../../check';
import { stating } from '../../departures';
import { floats } from '../../floats';
import { BASELINE, baselineRows, checkBaseline, withBaseline, withShuffled, type Baseline } from '../../baseline';
import { headName, indexLabels, matrices } from '../../attention/head-values';
import { allBlocks, blockHook, missingHook } from '../../hooks';
import { quiet } from '../../quiet';
import { referenceTexts } from '../../reference-texts';
import type { ResultTensor } from '../../result';
import { shortText } from '../../short-text';
import { number as numberField, text, type Spec } from '../../spec/spec';
import { encodeTensor } from '../../tensor-codec';
import { textTable } from '../../text-table';
import { checkEdges, edgeFigure, edgeNames, edgeQuality, edgeRecovery, type EdgeRecovery } from './edge-recovery';

const DETECTORS = ['zero ablation', 'size of z'] as const;
const MOST_TEXTS = 64;
const MOST_HEADS = 4096;

interface Known {
  readonly layer: number;
  readonly head: number;
}

export interface HeadRecovery {
  /** [detector, layer, head]: the largest change of an output, and the largest |z|, each as a share of the largest of all heads. */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  readonly truth: readonly Known[];
  readonly threshold: number;
  readonly texts: number;
  /** [detector, precision or recall] of shuffled models. */
  readonly baseline: Baseline;
  /** Absent where no known edges were given. */
  readonly edges?: EdgeRecovery | undefined;
}

const SPEC = {
  texts: text({
    title: 'Inputs',
    read: true,
    description: 'Inputs of the program, one a line (ids with commas, without a tokenizer).',
    maxLength: 20000
  }),
  truth: text({
    title: 'Known heads',
    description: 'The heads that do the task, as the compiled program has them: "L0H0 L3H0".',
    maxLength: 20000
  }),
  edges: text({
    title: 'Known edges',
    description:
      'The connections that the program has, from what writes to what reads: "input->a0.h0<q> a0.h0->m0 m0->a1.h0<k> a1.h0->logits". Absent: edges are not looked for.',
    maxLength: 100000
  }),
  threshold: numberField({
    title: 'Threshold',
    description: 'A head or an edge counts as found where a detector gives it more than this share of the largest.',
    default: 0.01,
    minimum: 0,
    maximum: 1
  }),
  ...BASELINE
};

const FIELDS: Check<HeadRecovery> = object<HeadRecovery>({
  values: tensor('float32', 'detector', 'layer', 'head'),
  truth: list(object<Known>({ layer: count, head: count }), MOST_HEADS),
  threshold: number,
  texts: count,
  baseline: checkBaseline(DETECTORS.length),
  edges: optional(checkEdges)
});

export const headRecovery = stating(
  analysis<typeof SPEC, HeadRecovery>({
    id: 'head-recovery',
    title: 'Recovery of known heads',
    description:
      'Whether detectors find exactly the heads and edges that a compiled program uses: precision and recall against the truth.',
    family: 'expressivity',
    measure: 'E10',
    theory: {
      kind: 'heuristic',
      statement:
        'A program in RASP (Weiss, Goldberg & Yahav 2021) can be compiled into a transformer whose parts are known (Lindner et al. 2023). Each head is scored by the largest change of an output when it is set to zero, and by the largest number that it writes before W_O; precision is the share of the heads found that are in the program, recall the share of the program’s heads that are found. Edges, where they are given, are scored by the largest change of an output when one is removed.',
      caveat:
        'The truth is what is typed in. A detector that is right on compiled weights, sparse and without superposition, may fail on trained ones. A head or an edge that the given inputs do not need is not found by ablation; a head that writes a constant is found by its size.',
      references: ['Weiss, Goldberg & Yahav 2021, arXiv 2106.06981', 'Lindner et al. 2023, arXiv 2301.05062']
    },
    spec: SPEC,
    refuses: subject =>
      subject.tower.layers === 0
        ? 'no attention layer was found in this graph'
        : missingHook(subject, allBlocks(subject, 'attn.hook_z')),
    cost(subject, spec) {
      const { layers, heads } = subject.tower;
      const texts = referenceTexts(subject, 'texts', spec.texts);
      const one = subject.cost({
        ids: [texts[0]?.ids ?? [0]],
        hooks: allBlocks(subject, 'attn.hook_z'),
        interventions: { list: [{ hook: blockHook(subject, 0, 'attn.hook_z'), op: 'zero', heads: [0] }] }
      });
      const plain = withBaseline(subject, spec, { ...one, forwards: texts.length * (1 + layers * heads) });
      const parts = layers * (heads + 1);
      // Each part reads what about half of them write, a head by three ways.
      const edges = edgeNames(spec.edges).length > 0 ? (3 * parts * parts) / 2 : 0;
      return { ...plain, forwards: plain.forwards + Math.round(texts.length * edges) };
    },
    async compute(subject, spec, context, seed) {
      const truth = truthOf(subject, spec.truth);
      const read = inputsOf(subject, spec);
      const { own, baseline } = await withShuffled(
        subject,
        spec,
        context,
        seed,
        async (model, steps) => {
          const scores = await scored(model, read, steps);
          return { scores, rows: scores.map(row => qualityOf(row, truth, spec.threshold, subject.tower.heads)) };
        },
        ({ rows }) => rows
      );
      const known = edgeNames(spec.edges);
      const edges = known.length > 0 ? await edgeRecovery(subject, known, spec.threshold, read, context) : undefined;
      const { layers, heads } = subject.tower;
      const encoded = encodeTensor(
        { dims: ['detector', 'layer', 'head'], shape: [DETECTORS.length, layers, heads] },
        Float32Array.from(own.scores.flat())
      );
      return {
        values: { ...encoded, dtype: 'float32' },
        truth,
        threshold: spec.threshold,
        texts: read.length,
        baseline,
        ...(edges && { edges })
      };
    },
    validateResult(value) {
      const result = FIELDS(value, 'result');
      const [detectors, layers, heads] = result.values.shape;
      agree('result.values detectors', DETECTORS.length, detectors);
      if (layers * heads === 0 || result.truth.some(one => one.layer >= layers || one.head >= heads)) {
        throw new Error(`'result.truth' names a head beyond ${layers} layers of ${heads}`);
      }
      return result;
    },
    figures: result => [
      maps(result),
      ...(result.edges ? [edgeFigure(result.edges, result.threshold, edgeWords(result))] : [])
    ],
    summary: result => summary(result)
  }),
  []
);

function inputsOf(subject: Subject, spec: Spec<typeof SPEC>): readonly Input[] {
  const texts = referenceTexts(subject, 'texts', spec.texts);
  if (texts.length === 0 || texts.length > MOST_TEXTS) {
    throw new Error(`field 'texts' has ${texts.length} inputs, 1 to ${MOST_TEXTS} are run`);
  }
  return texts;
}

/** 'L0H0, L3H1' → the heads; throws for a word that names none of this model's. */
function truthOf({ tower: { layers, heads } }: Subject, given: string | undefined): Known[] {
  const words = (given ?? '').split(/[\s,;]+/).filter(Boolean);
  if (words.length === 0) {
    throw new Error("truth missing: field 'truth' names no head, give those of the program, as in 'L0H0 L3H0'");
  }
  const known = words.map(word => {
    const [, layer, head] = /^L(\d{1,4})H(\d{1,4})$/i.exec(word)?.map(Number) ?? [];
    if (layer === undefined || layer >= layers || head >= heads) {
      throw new Error(
        `field 'truth' names '${word.slice(0, 20)}', this model has L0H0 to ${headName(layers - 1, heads - 1)}`
      );
    }
    return { layer, head };
  });
  return known.filter((one, at) => known.findIndex(other => headKey(other) === headKey(one)) === at);
}

const headKey = ({ layer, head }: Known): string => headName(layer, head);

/** [detector][layer · heads + head], each by its largest. */
async function scored(subject: Subject, texts: readonly Input[], context: Context): Promise<number[][]> {
  const { layers, heads } = subject.tower;
  const output = subject.tower.head?.logits ?? subject.outputs[0];
  const hooks = allBlocks(subject, 'attn.hook_z');
  const [effects, sizes] = [0, 1].map(() => Array<number>(layers * heads).fill(0));
  const total = texts.length * layers;
  for (const [row, { ids }] of texts.entries()) {
    const clean = await subject.forward({ ids: [ids], hooks, outputs: [output] }, quiet(context));
    const before = floats(clean.get(output), output);
    for (let layer = 0; layer < layers; layer++) {
      context.progress({
        done: row * layers + layer,
        total,
        label: `input ${row + 1} of ${texts.length}, layer ${layer}`
      });
      const z = clean.get(hooks[layer]);
      const [values, width] = [floats(z, hooks[layer]), z.dims[3]];
      for (let head = 0; head < heads; head++) {
        context.signal.throwIfAborted();
        const at = layer * heads + head;
        const list = [{ hook: hooks[layer], op: 'zero' as const, heads: [head] }];
        const run = { ids: [ids], hooks: [], outputs: [output], interventions: { list } };
        const after = floats((await subject.forward(run, quiet(context))).get(output), output);
        effects[at] = after.reduce((most, value, i) => Math.max(most, Math.abs(value - before[i])), effects[at]);
        sizes[at] = values.reduce(
          (most, value, i) => (Math.floor(i / width) % heads === head ? Math.max(most, Math.abs(value)) : most),
          sizes[at]
        );
      }
    }
  }
  return [effects, sizes].map(one => {
    const largest = Math.max(...one);
    return one.map(value => (largest > 0 ? value / largest : 0));
  });
}

/** Precision (NaN where nothing was found) and recall. */
function qualityOf(scores: readonly number[], truth: readonly Known[], threshold: number, heads: number): number[] {
  const found = new Set(scores.flatMap((score, at) => (score > threshold ? [at] : [])));
  const right = truth.filter(({ layer, head }) => found.has(layer * heads + head)).length;
  return [found.size > 0 ? right / found.size : NaN, right / truth.length];
}

function qualities({ values, truth, threshold }: HeadRecovery): number[][] {
  return matrices(values).map(rows => qualityOf(rows.flat(), truth, threshold, values.shape[2]));
}

const words = (result: HeadRecovery): string[] =>
  qualities(result).map(([precision, recall], d) => {
    const beside = baselineRows(result.baseline)[d];
    const shuffled = beside ? ` (shuffled ${beside.map(one => one.map(share).join('/')).join(' and ')})` : '';
    return `${DETECTORS[d]}: precision ${share(precision)}, recall ${share(recall)}${shuffled}`;
  });

/** Nothing where edges were not looked for. */
function edgeWords({ edges, threshold }: HeadRecovery): string {
  if (!edges) {
    return '';
  }
  const [precision, recall, chance] = edgeQuality(edges, threshold);
  return `edges: precision ${share(precision)}, recall ${share(recall)} (a guess: precision ${share(chance)}).`;
}

const share = (value: number): string => (Number.isNaN(value) ? '–' : `${Math.round(value * 100)} %`);

function maps(result: HeadRecovery): PlotlyFigure {
  const { values, truth, threshold, texts } = result;
  const [, layers, heads] = values.shape;
  const all = matrices(values);
  const known = new Set(truth.map(headKey));
  const rows = all[0].flatMap((row, l) =>
    row.map((_, h) => [
      headName(l, h),
      known.has(headName(l, h)) ? 'yes' : 'no',
      ...all.map(one => Number(one[l][h].toPrecision(3)))
    ])
  );
  return heatmaps({
    title: 'Recovery of known heads',
    caption: `Each head’s score as a share of the largest, over ${texts} inputs; found: above ${threshold}. Known: ${[...known].slice(0, 40).join(', ')}. ${words(result).join('; ')}. Layer 0 is at the top.`,
    alt: shortText(`Scores of ${layers} layers × ${heads} heads. ${words(result).join('; ')}.`),
    panels: all.map((one, d) => ({
      title: DETECTORS[d],
      unit: 'share of the largest (0–1)',
      range: [0, 1],
      values: one
    })),
    rows: { title: 'layer', labels: indexLabels(layers) },
    columns: { title: 'head', labels: indexLabels(heads) },
    cell: headName,
    table: { columns: ['head', 'known', ...DETECTORS], rows: rows.slice(0, 50), omitted: Math.max(0, rows.length - 50) }
  });
}

function summary(result: HeadRecovery): string {
  const all = matrices(result.values);
  const known = new Set(result.truth.map(headKey));
  const rows = all[0].flatMap((row, l) => row.map((_, h) => ({ l, h, name: headName(l, h) })));
  const shown = rows.filter(({ l, h, name }) => known.has(name) || all.some(one => one[l][h] > result.threshold));
  return [
    `Recovery of known heads: ${result.truth.length} known, ${result.texts} inputs`,
    ...words(result),
    ...(result.edges ? [edgeWords(result)] : []),
    ...textTable(
      ['head', 'known', ...DETECTORS],
      shown
        .slice(0, 24)
        .map(({ l, h, name }) => [
          name,
          known.has(name) ? 'yes' : 'no',
          ...all.map(one => Number(one[l][h].toPrecision(3)))
        ])
    )
  ].join('\n');
}
