import type { Figure, TableFigure } from '../../figures/figure';
import { lines } from '../../figures/lines';
import { modelFigures, otherLines } from '../geometry/profile-models';
import { short } from '../geometry/profile-view';
import { shortText } from '../short-text';
import { decodeTensor } from '../tensor-codec';
import { textTable } from '../text-table';
import type { FormalLanguage } from './formal-language';
import { MEASURES } from './measure-language';
import { taskOf } from './tasks';

const LENGTH = 'length in symbols';

/** Numbers of the measures in `MEASURES`. */
const [ACCURACY, FROM, TO, WHOLE, FREE, CHANCE, CONSTANT] = MEASURES.map((_, at) => at);

/** [measure][length] */
function rowsOf({ values }: FormalLanguage): number[][] {
  const [measures, lengths] = values.shape;
  const flat = decodeTensor(values);
  return Array.from({ length: measures }, (_, m) => Array.from(flat.subarray(m * lengths, (m + 1) * lengths)));
}

/** [length][model]: accuracy of the shuffled models. */
function shuffledOf({ baseline, lengths }: FormalLanguage): number[][] | undefined {
  if (!baseline) {
    return undefined;
  }
  const flat = decodeTensor(baseline);
  const [models, measures] = baseline.shape;
  return lengths.map((_, at) =>
    Array.from({ length: models }, (__, model) => flat[(model * measures + ACCURACY) * lengths.length + at])
  );
}

/** 'word-problem of S5', '3-hop over 4 symbols' */
function nameOf({ task, facts }: FormalLanguage): string {
  const names: Partial<Record<FormalLanguage['task'], string>> = {
    'word-problem': `word problem of ${facts.group}`,
    'k-hop': `${facts.hops}-hop over ${facts.symbols} symbols`,
    parity: 'parity'
  };
  return names[task] ?? `${task} of ${facts.symbols} symbols`;
}

const FORM_WORDS = {
  positions: 'answered at each symbol',
  continuation: 'answered behind the sequence',
  'in-context': 'answered behind examples'
} as const;

export function languageFigures(result: FormalLanguage): Figure[] {
  const axis = { title: LENGTH, labels: result.lengths.map(String) };
  return [
    accuracyFigure(result),
    ...modelFigures(MEASURES, result, axis, [{ title: nameOf(result), measures: [ACCURACY], range: [-0.02, 1.04] }]),
    examplesTable(result)
  ];
}

function accuracyFigure(result: FormalLanguage): Figure {
  const rows = rowsOf(result);
  const shuffled = shuffledOf(result);
  const labels = result.lengths.map(String);
  const each = (row: readonly number[]): number[][] => row.map(value => (Number.isNaN(value) ? [] : [value]));
  const member = (name: string) => (place: number) => `${name}, length ${labels[place]}`;
  const line = (at: number, name: string = MEASURES[at].title) => ({
    name,
    samples: each(rows[at]),
    member: member(name)
  });
  const { facts, form } = result;
  const title = `Accuracy by length: ${nameOf(result)}`;
  return lines({
    title,
    caption:
      `${facts.sequences} sequences a length, ${FORM_WORDS[form]}${form === 'in-context' ? ` (${facts.shots} of them)` : ''}; bars: 95 % interval, a sequence taken as one trial. ` +
      `The model has ${facts.layers} layer${facts.layers === 1 ? '' : 's'}. ${taskOf(result.task).theorem}` +
      (shuffled
        ? ` Dotted: ${shuffled[0].length === 1 ? 'a copy' : `the mean of ${shuffled[0].length} copies`} with the entries of each weight matrix in a random order.`
        : ''),
    alt: shortText(
      `${title}. Accuracy ${rows[ACCURACY].map(short).join(', ')}; chance ${rows[CHANCE].map(short).join(', ')}.`
    ),
    x: { title: LENGTH, labels },
    y: { title: 'share of right answers (0–1)', range: [-0.02, 1.04] },
    series: [
      { ...line(ACCURACY), intervals: rows[FROM].map((from, at) => [from, rows[TO][at]] as const) },
      line(CHANCE),
      line(CONSTANT),
      line(WHOLE),
      ...(shuffled ? [{ name: 'accuracy, shuffled', samples: shuffled, member: member('shuffled'), beside: 0 }] : [])
    ],
    table: {
      columns: ['length', 'questions', ...MEASURES.map(({ title: name }) => name), ...(shuffled ? ['shuffled'] : [])],
      rows: result.lengths.map((length, at) => [
        length,
        result.questions[at],
        ...rows.map(row => short(row[at])),
        ...(shuffled ? [short(shuffled[at].reduce((sum, one) => sum + one, 0) / shuffled[at].length)] : [])
      ]),
      omitted: 0
    }
  });
}

function examplesTable({ examples, lengths }: FormalLanguage): TableFigure {
  return {
    kind: 'table',
    title: 'What was asked',
    caption: `The first sequences of ${lengths.length === 1 ? 'the length' : 'each length'}: what the model read, the right answers, and the ones that it preferred among those offered.`,
    alt: shortText(`Examples: ${examples.map(({ read, given }) => `${read}: ${given}`).join('; ')}`),
    corner: 'length',
    columns: [{ label: 'read' }, { label: 'right' }, { label: 'model' }],
    rows: examples.map(({ length, read, right, given }) => ({
      label: String(length),
      cells: [{ text: read }, { text: right }, { text: given, bold: given === right }]
    }))
  };
}

export function languageSummary(result: FormalLanguage): string {
  const rows = rowsOf(result);
  const shuffled = shuffledOf(result);
  return [
    `${nameOf(result)}, ${FORM_WORDS[result.form]}: ${result.facts.sequences} sequences a length`,
    ...otherLines(MEASURES, result.others),
    ...textTable(
      ['length', 'accuracy', 'from', 'to', 'whole', 'free', 'chance', 'constant', ...(shuffled ? ['shuffled'] : [])],
      result.lengths.map((length, at) => [
        length,
        ...[ACCURACY, FROM, TO, WHOLE, FREE, CHANCE, CONSTANT].map(m => short(rows[m][at])),
        ...(shuffled ? [short(shuffled[at].reduce((sum, one) => sum + one, 0) / shuffled[at].length)] : [])
      ])
    )
  ].join('\n');
}
