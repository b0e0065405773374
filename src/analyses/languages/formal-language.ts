import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { analysis } from '../analysis';
import { agree, count, gappedTensor, list, object, oneOf, orNull, text as short, type Check } from '../check';
import { BASELINE, withBaseline } from '../baseline';
import { departures, stating } from '../departures';
import { profileRows } from '../geometry/profile';
import { checkOthers, otherProfiles, type OtherProfile } from '../geometry/profile-models';
import { OTHERS, withOthers } from '../other-models';
import { refusesLogits } from '../refuses-logits';
import type { ResultTensor } from '../result';
import { choice, indices, integer, text, type Spec } from '../spec/spec';
import { languageFigures, languageSummary } from './language-view';
import { MEASURES, measureLanguage, plan } from './measure-language';
import { TASKS, taskOf, type TaskId } from './tasks';

export const ASKED = ['in-context', 'continuation', 'positions'] as const;

export interface FormalLanguage {
  /** [measure, length], `MEASURES` in order; NaN where a measure is not defined. */
  readonly values: Values;
  /** [model, measure, length] of shuffled models; null where none was asked for. */
  readonly baseline: Values | null;
  /** The same of other models, at the same lengths; absent in results of older versions. */
  readonly others?: readonly OtherProfile[] | undefined;
  readonly task: TaskId;
  readonly form: (typeof ASKED)[number];
  readonly lengths: readonly number[];
  /** Questions at each length. */
  readonly questions: readonly number[];
  readonly facts: {
    readonly sequences: number;
    readonly shots: number;
    readonly symbols: number;
    readonly hops: number;
    readonly group: string;
    readonly layers: number;
  };
  readonly examples: readonly LanguageExample[];
}

type Values = ResultTensor & { readonly dtype: 'float32' };

/** Tokens as a person reads them, cut where they are many. */
export interface LanguageExample {
  readonly length: number;
  readonly read: string;
  readonly right: string;
  readonly given: string;
}

const MOST_LENGTHS = 24;

export const SPEC = {
  task: choice<TaskId>({
    title: 'Language',
    description:
      'What is asked: a sequence copied, reversed or sorted, symbols counted, k hops, the parity or the product of a group’s elements, brackets closed or judged.',
    options: TASKS,
    default: 'copying'
  }),
  form: choice({
    title: 'Form',
    description:
      '"in-context": behind some sequences with their answers; "continuation": behind the sequence alone; "positions": the model’s output at each symbol is its answer, as models trained or compiled for the language give it.',
    options: ASKED,
    default: 'in-context'
  }),
  lengths: indices({
    title: 'Lengths',
    description: 'Symbols of a sequence; absent = 2, 4, 8, 16, 32 as far as they fit.'
  }),
  sequences: integer({
    title: 'Sequences',
    description: 'Drawn at each length.',
    default: 40,
    minimum: 4,
    maximum: 1000
  }),
  shots: integer({
    title: 'Examples',
    description:
      'Sequences with their answers before the one that is asked, of the same length; for the form "in-context".',
    default: 4,
    minimum: 1,
    maximum: 32
  }),
  size: integer({
    title: 'Symbols',
    description:
      'Of the alphabet, both brackets of each kind counted; 0 = the language’s own. The field "vocabulary" says more.',
    default: 0,
    minimum: 0,
    maximum: 512
  }),
  hops: integer({ title: 'Hops', description: 'Of the language "k-hop".', default: 1, minimum: 1, maximum: 32 }),
  group: text({
    title: 'Group',
    description: 'Of the language "word-problem": S3, S5, A5, Z and a number, or products of such ("A4xZ5").',
    default: 'S3',
    maxLength: 40
  }),
  vocabulary: text({
    title: 'Vocabulary',
    description:
      'A token for each symbol, spaces between: its text, or its id as "#12" ("#12-15" for four). Behind a bar those of the answers, where they are others: "#0 #1 #3 #5 | #0-3". Absent = letters or brackets of the tokenizer.',
    maxLength: 4000
  }),
  start: text({
    title: 'Start',
    description: 'Tokens before each sequence, written as in the vocabulary; absent = the tokenizer’s own.',
    maxLength: 400
  }),
  separator: text({
    title: 'Separator',
    description:
      'Tokens between a sequence and its answer, and behind a bar those after an answer; absent = an arrow and a new line with a tokenizer, else none.',
    maxLength: 400
  }),
  readout: choice({
    title: 'Readout',
    description:
      'The answer is the likeliest of the tokens offered, or the nearest to a number that the model gives in one column ("fraction").',
    options: ['token', 'number'],
    default: 'token'
  }),
  ...BASELINE,
  ...OTHERS
};

export type LanguageSpec = Spec<typeof SPEC>;

const FIELDS: Check<FormalLanguage> = object<FormalLanguage>({
  values: gappedTensor(['measure', 'length']),
  baseline: orNull(gappedTensor(['model', 'measure', 'length'])),
  others: checkOthers(MEASURES.length),
  task: oneOf(...TASKS),
  form: oneOf(...ASKED),
  lengths: list(count, MOST_LENGTHS),
  questions: list(count, MOST_LENGTHS),
  facts: object<FormalLanguage['facts']>({
    sequences: count,
    shots: count,
    symbols: count,
    hops: count,
    group: short,
    layers: count
  }),
  examples: list(object<LanguageExample>({ length: count, read: short, right: short, given: short }), 100)
});

export const formalLanguage = stating(
  analysis<typeof SPEC, FormalLanguage>({
    id: 'formal-language',
    title: 'Formal languages',
    description:
      'How often a model is right on copying, sorting, k hops, parity, group word problems and brackets, by length, beside chance.',
    family: 'inference',
    measure: 'C1, C2, C3',
    theory: {
      kind: 'estimator',
      statement:
        'Share of right answers on sequences drawn at each length. Transformers of fixed depth and logarithmic precision are in TC⁰ (Merrill & Sabharwal 2023): what needs more, as the word problem of S5 if TC⁰ ≠ NC¹ (Barrington 1989), they cannot do at all lengths; up to one length they can take shortcuts (Liu et al. 2023). The caption has the theorem of the language at hand.',
      caveat:
        'A theorem speaks of all lengths and of the best weights, a checkpoint of the lengths it was run on and of the weights it has: failing shows what was not learned, not what cannot be. Within the lengths tried a lookup may do. In context a language model must also find out what is asked. The best constant answer may be far above chance.',
      references: [
        'Merrill & Sabharwal 2023, arXiv 2207.00729',
        'Hahn 2020, arXiv 1906.06755',
        'Liu et al. 2023, arXiv 2210.10749',
        'Sanford, Hsu & Telgarsky 2024, arXiv 2402.09268',
        'Merrill, Petty & Sabharwal 2024, arXiv 2404.08819',
        'Yao et al. 2021, arXiv 2105.11115',
        'Bhattamishra, Ahuja & Goyal 2020, arXiv 2009.11264',
        'Weiss, Goldberg & Yahav 2021, arXiv 2106.06981',
        'Jelassi et al. 2024, arXiv 2402.01032',
        'Barrington 1989, JCSS 38(1)',
        'Chiang & Cholak 2022, arXiv 2202.12172'
      ]
    },
    spec: SPEC,
    refuses: refusesLogits,
    cost(subject, spec) {
      const { lengths, tokens } = plan(subject, spec);
      const width = subject.tower.dVocab ?? 1;
      const one = { forwards: lengths.length * spec.sequences, bytes: Math.max(...tokens) * width * 4 };
      return withOthers(spec, withBaseline(subject, spec, one));
    },
    compute: (subject, spec, context, seed) => compute(subject, spec, context, seed),
    validateResult(value) {
      const result = FIELDS(value, 'result');
      agree('result.values measures', MEASURES.length, result.values.shape[0]);
      agree('result.values lengths', result.lengths.length, result.values.shape[1]);
      agree('result.questions', result.lengths.length, result.questions.length);
      result.others?.forEach(({ values }) => agree('result.others lengths', result.lengths.length, values.shape[1]));
      if (result.baseline) {
        agree('result.baseline measures', MEASURES.length, result.baseline.shape[1]);
        agree('result.baseline lengths', result.lengths.length, result.baseline.shape[2]);
      }
      if (result.lengths.length === 0 || result.baseline?.shape[0] === 0) {
        throw new Error("'result.lengths' is empty");
      }
      return result;
    },
    figures: result => languageFigures(result),
    summary: result => languageSummary(result)
  }),
  [],
  strains
);

/** The theorem of the language is of all lengths, and of a model that is made for it. */
function strains(subject: Subject, { task, form, lengths }: FormalLanguage): string[] {
  return [
    ...departures(subject, taskOf(task).assumes),
    `lengths up to ${Math.max(...lengths)} where all are meant`,
    ...(form === 'in-context' ? ['the language told by examples alone'] : [])
  ];
}

async function compute(subject: Subject, spec: LanguageSpec, context: Context, seed: number): Promise<FormalLanguage> {
  const made = plan(subject, spec);
  const { values, baseline, questions, examples } = await measureLanguage(subject, spec, made, context, seed);
  const others = await otherProfiles(subject, spec.others, context, {
    title: 'Formal languages',
    refuses: refusesLogits,
    async rows(other, steps) {
      const alone = { ...spec, lengths: made.lengths, baseline: 0 };
      return profileRows((await measureLanguage(other, alone, plan(other, alone), steps, seed)).values);
    }
  });
  return {
    values,
    baseline,
    others,
    task: spec.task,
    form: spec.form,
    lengths: made.lengths,
    questions,
    facts: {
      sequences: spec.sequences,
      shots: made.shots,
      symbols: made.options.size,
      hops: spec.hops,
      group: made.options.group.name,
      layers: subject.tower.layers
    },
    examples
  };
}
