import type { Context } from '../../subject/context';
import type { Cost, Subject } from '../../subject/subject';
import { analysis } from '../analysis';
import { count, list, number, object, oneOf, text as shortTextCheck, type Check } from '../check';
import {
  agreePlaces,
  BASELINE,
  baselineRows,
  baselineWords,
  checkBaseline,
  withBaseline,
  withShuffled,
  type Baseline
} from '../baseline';
import { stating } from '../departures';
import { checkProfile, encodeProfile, profileRows, type Profile, type ProfileMeasure } from '../geometry/profile';
import { checkOthers, modelFigures, otherLines, otherProfiles, type OtherProfile } from '../geometry/profile-models';
import { profileFigure, profileLines } from '../geometry/profile-view';
import { refusesStream, streamCost } from '../geometry/stream';
import { OTHERS, withOthers } from '../other-models';
import { choice, flag, integer, number as numberField, text, type Spec } from '../spec/spec';
import { GRAMMAR_TASKS } from './grammar';
import { grammarRows, userRows, type LabelledRows } from './labelled-rows';
import { dataOf, fair, majorityShare, MOST_CLASSES } from './probe-data';
import { controlLabels, type ProbeTask } from './probe-fit';
import { probePlaces, type Place } from './probe-places';
import { SPLITS, type Split } from './split-points';

const SHARE = 'share, 0 to 1';
const MEASURES: readonly ProfileMeasure[] = [
  { title: 'accuracy', unit: SHARE },
  { title: 'interval from', unit: SHARE },
  { title: 'interval to', unit: SHARE },
  { title: 'control accuracy', unit: SHARE },
  { title: 'selectivity', unit: 'difference of shares' },
  { title: 'codelength', unit: 'bits' },
  { title: 'compression', unit: 'pure number' }
];

const TASKS = [...GRAMMAR_TASKS, 'rows'] as const;

export interface LinearProbe {
  /** [measure, place]; codelength and compression NaN where they were not asked for. */
  readonly values: Profile;
  readonly baseline: Baseline;
  /** The same of other models; absent in results of older versions. */
  readonly others?: readonly OtherProfile[] | undefined;
  readonly task: (typeof TASKS)[number];
  readonly classes: readonly { readonly label: string; readonly points: number }[];
  readonly facts: ProbeFacts;
  /** Places whose probe did not converge. */
  readonly unconverged: number;
}

interface ProbeFacts {
  readonly texts: number;
  readonly train: number;
  readonly test: number;
  /** Different words. */
  readonly types: number;
  /** Share of the test points that have the most frequent label of the training points. */
  readonly majority: number;
}

const SPEC = {
  task: choice({
    title: 'Task',
    description:
      'In sentences of a small grammar with hundreds of rare words: the class of each word, its place, the case of nouns and pronouns, the number of the subject (read from the words between it and its verb), the depth of relative clauses; or your own labelled rows.',
    options: TASKS,
    default: 'part-of-speech'
  }),
  rows: text({
    title: 'Labelled rows',
    description:
      'For the task "rows": a table, CSV with a line of column names or JSON Lines, columns text and label (and word, where the label is for one word of the text) or sentence, word and label; or one text a line: words with labels, "The/D old/A ship/N sails/V" (the last token of a word is its point; words without one are context), or a text, a tab and its label. Without a tokenizer ids in the place of words.',
    maxLength: 1000000,
    media: 'text/csv'
  }),
  sentences: integer({
    title: 'Sentences',
    description: 'Of the grammar.',
    default: 160,
    minimum: 20,
    maximum: 600
  }),
  split: choice<Split>({
    title: 'Test points',
    description:
      'What the probe is judged on: a third of the texts, drawn by the seed; the last third of them; or the points of a third of the words, none of which the probe was trained on.',
    options: SPLITS,
    default: 'random'
  }),
  c: numberField({
    title: 'C',
    description: 'Inverse strength of the penalty on the probe’s weights, scikit-learn’s C.',
    default: 0.1,
    minimum: 0.000001,
    maximum: 10000
  }),
  codelength: flag({
    title: 'Codelength',
    description: 'Also the online code of the labels: the probe trained again on growing parts of the data.',
    default: true
  }),
  ...BASELINE,
  ...OTHERS
};

const FIELDS: Check<LinearProbe> = object<LinearProbe>({
  values: checkProfile(MEASURES.length),
  baseline: checkBaseline(MEASURES.length),
  others: checkOthers(MEASURES.length),
  task: oneOf(...TASKS),
  classes: list(object<LinearProbe['classes'][number]>({ label: shortTextCheck, points: count }), MOST_CLASSES),
  facts: object<ProbeFacts>({ texts: count, train: count, test: count, types: count, majority: number }),
  unconverged: count
});

export const linearProbe = stating(
  analysis<typeof SPEC, LinearProbe>({
    id: 'linear-probe',
    title: 'Linear probe',
    description:
      'What a linear classifier reads from the stream at each place, how much of that it could learn of anything, and in how many bits.',
    family: 'expressivity',
    measure: 'R7, R8',
    theory: {
      kind: 'estimator',
      statement:
        'Accuracy of logistic regression on the stream at each place. Selectivity: less the accuracy on a control task in which each word has a random label, which shows what the probe itself can learn (Hewitt & Liang 2019). Codelength: bits to send all labels by probes trained on what was sent before, n log₂ K for a probe that knows nothing; compression is n log₂ K over it (Voita & Titov 2020).',
      caveat:
        'That a label can be read does not say that the model uses it. Where words recur, much accuracy is knowing the word: look at selectivity, at words that the probe was not trained on ("words"), and at the shuffled model. Selectivity is small, too, where a few frequent words make most points, which a control learns by heart. Accuracy depends on the number of points, on C and on the dimension; compare places of one model, not models of different width. The bundled sentences are made by a grammar, not natural text.',
      references: [
        'Hewitt & Liang 2019, arXiv 1909.03368',
        'Voita & Titov 2020, arXiv 2003.12298',
        'Zhang & Bowman 2018, arXiv 1809.10040'
      ]
    },
    spec: SPEC,
    refuses: refusesStream,
    cost: (subject, spec) => withOthers(spec, withBaseline(subject, spec, rowsCost(subject, rowsOf(subject, spec, 0)))),
    async compute(subject, spec, context, seed) {
      const { rows, data, measured } = probing(subject, spec, seed);
      const { own, baseline } = await withShuffled(subject, spec, context, seed, measured, profileOf);
      const others = await otherProfiles(subject, spec.others, context, {
        title: 'Linear probe',
        refuses: refusesStream,
        rows: async (other, steps) => profileOf(await probing(other, spec, seed).measured(other, steps))
      });
      const { labels, train, test } = data.task;
      return {
        values: encodeProfile(profileOf(own)),
        baseline,
        others,
        task: spec.task,
        classes: data.names.map((label, k) => ({ label, points: labels.filter(one => one === k).length })),
        facts: {
          texts: rows.texts.length,
          train: train.length,
          test: test.length,
          types: new Set(data.words).size,
          majority: majorityShare(data.task)
        },
        unconverged: own.filter(({ converged }) => !converged).length
      };
    },
    validateResult: value => agreePlaces(FIELDS(value, 'result')),
    figures(result) {
      const rows = profileRows(result.values);
      const beside = baselineRows(result.baseline);
      const words = `${factsOf(result)}${baselineWords(result.baseline)}`;
      const pick = <T>(all: readonly T[], ...at: number[]): T[] => at.flatMap(i => all.slice(i, i + 1));
      return [
        profileFigure({
          title: 'Probe accuracy and selectivity',
          caption: `${words} Bars: 95 % of 1,000 resamples of the test texts. The most frequent label alone: ${result.facts.majority.toFixed(3)}.`,
          y: 'share of test words (0–1)',
          range: [Math.min(0, ...rows[4].filter(value => !Number.isNaN(value))) - 0.02, 1.02],
          measures: pick(MEASURES, 0, 3, 4),
          rows: pick(rows, 0, 3, 4),
          intervals: rows[1].map((low, place) => [low, rows[2][place]] as const),
          baseline: pick(beside, 0, 3, 4)
        }),
        ...(rows[6].some(value => !Number.isNaN(value))
          ? [
              profileFigure({
                title: 'Compression of the labels',
                caption: `${words} n log₂ K over the online codelength; 1: the probe knows nothing.`,
                y: 'compression (pure number)',
                measures: pick(MEASURES, 6),
                rows: pick(rows, 6),
                baseline: pick(beside, 6)
              })
            ]
          : []),
        ...modelFigures(MEASURES, result, undefined, [
          { title: 'Linear probe', measures: [0], range: [0, 1.02] },
          { title: 'Linear probe', measures: rows[6].some(value => !Number.isNaN(value)) ? [4, 6] : [4] }
        ])
      ];
    },
    summary: result =>
      [
        `Linear probe: ${factsOf(result)}`,
        `most frequent label alone ${result.facts.majority.toFixed(3)}${result.unconverged > 0 ? `; the probe did not converge at ${result.unconverged} places` : ''}`,
        ...otherLines(MEASURES, result.others),
        ...profileLines(MEASURES, profileRows(result.values))
      ].join('\n')
  }),
  [],
  strains
);

/** What is asked of one model, checked before it runs. */
function probing(subject: Subject, spec: Spec<typeof SPEC>, seed: number) {
  const rows = rowsOf(subject, spec, seed);
  const data = dataOf(subject, rows, spec.split, seed);
  const control: ProbeTask = { ...data.task, labels: controlLabels(data.words, data.task.labels, seed) };
  const tasks = {
    task: data.task,
    control: fair(control),
    c: spec.c,
    code: spec.codelength,
    groups: data.groups,
    seed
  };
  const measured = (model: Subject, steps: Context): Promise<Place[]> =>
    probePlaces(model, data.sample, tasks, data.order, steps);
  return { rows, data, measured };
}

const TASK_WORDS: Readonly<Record<LinearProbe['task'], string>> = {
  'part-of-speech': 'part of speech',
  position: 'place in the sentence',
  case: 'case of nouns and pronouns',
  number: 'number of the subject, from the words between it and its verb',
  depth: 'depth of relative clauses',
  rows: 'labelled rows'
};

/** A probe of independent points, more than it has weights; a control that could know the words it is judged on. */
function strains(
  { tower: { dModel } }: Subject,
  { facts: { texts, train, test }, unconverged }: LinearProbe,
  { split }: { readonly split: Split }
): string[] {
  return [
    ...(train + test > texts ? [`${train + test} points of ${texts} texts are not independent`] : []),
    ...(train <= dModel
      ? [`${train} training points in ${dModel} dimensions: many probes fit, the penalty chooses`]
      : []),
    ...(split === 'words' ? ['no word of the test was trained on, so that the control can only guess'] : []),
    ...(unconverged > 0 ? [`the probe did not converge at ${unconverged} places`] : [])
  ];
}

const factsOf = ({ task, classes, facts }: LinearProbe): string =>
  `${TASK_WORDS[task]}, ${classes.length} classes, ${facts.train} training and ${facts.test} test words of ${facts.texts} texts, ${facts.types} different words.`;

const rowsOf = (
  subject: Subject,
  spec: { readonly task: (typeof TASKS)[number]; readonly rows: string | undefined; readonly sentences: number },
  seed: number
): LabelledRows =>
  spec.task === 'rows' ? userRows(subject, spec.rows) : grammarRows(subject, spec.task, spec.sentences, seed);

function rowsCost(subject: Subject, { texts }: LabelledRows): Cost {
  const costs = texts.map(({ ids }) => streamCost(subject, ids));
  return {
    forwards: costs.reduce((sum, { forwards }) => sum + forwards, 0),
    bytes: costs.reduce((sum, { bytes }) => sum + bytes, 0)
  };
}

const profileOf = (found: readonly Place[]): number[][] =>
  MEASURES.map((_, m) => found.map(({ numbers }) => numbers[m]));
