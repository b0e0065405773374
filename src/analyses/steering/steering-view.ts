import type { Figure, TableFigure } from '../../figures/figure';
import { lines } from '../../figures/lines';
import { METRICS } from '../patching/metric';
import { shortText } from '../short-text';
import type { Steering } from './steering';
import { decodeTensor } from '../tensor-codec';
import { textTable } from '../text-table';

/** [row][column] of a tensor of two axes. */
const rowsOf = (tensor: Steering['values']): number[][] => {
  const [rows, columns] = tensor.shape;
  const flat = decodeTensor(tensor);
  return Array.from({ length: rows }, (_, row) => [...flat.subarray(row * columns, (row + 1) * columns)]);
};

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const coefficient = (alpha: number): string => (alpha > 0 ? '+' : alpha < 0 ? '−' : '') + trimmed(Math.abs(alpha));
const trimmed = (value: number): string => String(Number(value.toPrecision(3)));

const FROM = {
  difference: 'difference of means',
  head: 'what a head writes',
  vector: 'a given vector'
} as const;

const lengths = ({ directionNorm, hookNorm, alphas }: Steering): string => {
  const most = Math.max(...alphas.map(Math.abs));
  return (
    `The direction is ${directionNorm.toFixed(2)} long, the hook's own values ${hookNorm.toFixed(2)} on average: ` +
    `at the ends ${((100 * most * directionNorm) / hookNorm).toFixed(0)} % of them is added.`
  );
};

const caption = (result: Steering): string => {
  const words = shortText(result.clean.labels.join('').replaceAll('·', ' '), 80);
  const where = result.where === 'all' ? 'all positions' : 'the last position';
  const missing = result.asked - result.alphas.length;
  return (
    `α times a direction (${FROM[result.source]}${result.ofPrompts ? (result.source === 'head' ? ', on the clean prompts' : ', clean less corrupted prompts') : ''}) added to ${result.hook} of layer ${result.layer} at ${where}. ${lengths(result)} ` +
    `Prompt “${words}”${result.prompts > 1 ? ` and ${result.prompts - 1} more` : ''}.` +
    (missing > 0 ? ` ${missing} of ${result.asked} coefficients are not computed.` : '')
  );
};

/** A twentieth of the span free above and below. */
const rangeOf = (values: readonly number[]): readonly [number, number] => {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const free = (high - low || Math.abs(high) || 1) / 20;
  return [low - free, high + free];
};

export function steeringFigures(result: Steering): readonly Figure[] {
  const { title, unit } = METRICS[result.metric];
  const values = rowsOf(result.values);
  const labels = result.alphas.map(coefficient);
  const rows = values.map((row, at) => [labels[at], Number(mean(row).toFixed(4))]);
  return [
    lines({
      title: `Dose and response: ${title}`,
      caption: caption(result),
      alt: responseAlt(result, values),
      x: { title: 'coefficient α', labels },
      y: { title: `${title} (${unit})`, range: rangeOf(values.flat()) },
      series: [{ name: title, samples: values, member: (_, prompt) => `prompt ${prompt}` }],
      table: { columns: ['α', `${title} (${unit})`], rows, omitted: 0 }
    }),
    probabilityLines(result, labels),
    ...continuationTable(result)
  ];
}

const responseAlt = ({ alphas, metric }: Steering, values: readonly (readonly number[])[]): string => {
  const at = (index: number): string => `${mean(values[index]).toFixed(3)} at ${coefficient(alphas[index])}`;
  const middle = alphas.findIndex(alpha => alpha === 0);
  return shortText(
    `Line of the ${METRICS[metric].title} over ${alphas.length} coefficients: ${at(0)}, ${at(Math.max(0, middle))}, ${at(alphas.length - 1)}.`
  );
};

function probabilityLines(result: Steering, labels: readonly string[]): Figure {
  const { tokens } = result;
  const values = rowsOf(result.probabilities);
  const top = Math.max(...values.flat());
  const most = values.at(-1)!.indexOf(Math.max(...values.at(-1)!));
  return lines({
    title: 'Next token',
    caption: `Probability of the token that follows the prompt, or stands at its mask${result.prompts > 1 ? ', mean over the prompts' : ''}: the answers, and what is most probable at 0 and at both ends.`,
    alt: shortText(
      `Probabilities of ${tokens.labels.length} tokens over ${labels.length} coefficients; at ${labels.at(-1)} the largest is '${tokens.labels[most]}', ${values.at(-1)![most].toFixed(2)}.`
    ),
    x: { title: 'coefficient α', labels },
    y: { title: 'probability', range: [0, Math.min(1.02, 1.05 * top || 1)] },
    series: tokens.labels.map((name, token) => ({
      name,
      samples: values.map(row => [row[token]]),
      member: place => `'${name}' at ${labels[place]}`
    })),
    table: {
      columns: ['α', ...tokens.labels],
      rows: values.map((row, at) => [labels[at], ...row.map(value => Number(value.toFixed(4)))]),
      omitted: 0
    }
  });
}

const continuationTable = ({ continuations }: Steering): readonly TableFigure[] => {
  const { alpha, text } = continuations.columns;
  if (alpha.length === 0) {
    return [];
  }
  return [
    {
      kind: 'table',
      title: 'How the prompt goes on',
      caption: 'The most probable token each time; new positions are steered as well.',
      alt: shortText(
        `Continuations: ${alpha.map((a, i) => `${coefficient(Number(a))} '${String(text[i])}'`).join('; ')}`
      ),
      corner: 'α',
      columns: [{ label: 'continuation' }],
      rows: alpha.map((a, i) => ({ label: coefficient(Number(a)), cells: [{ text: String(text[i]) }] }))
    }
  ];
};

export function steeringSummary(result: Steering): string {
  const { title, unit } = METRICS[result.metric];
  const [values, probabilities] = [rowsOf(result.values), rowsOf(result.probabilities)];
  const { alpha, text } = result.continuations.columns;
  const stride = Math.ceil(result.alphas.length / 24);
  const rows = result.alphas
    .map((a, at) => [coefficient(a), mean(values[at]).toFixed(4), ...probabilities[at].map(p => p.toFixed(3))])
    .filter((_, at) => at % stride === 0);
  return [
    `Steering: ${caption(result)}`,
    `${title} in ${unit}, and probabilities of next tokens:`,
    ...textTable(['α', title, ...result.tokens.labels.map(label => `'${label}'`)], rows),
    ...alpha.map((a, at) => `${coefficient(Number(a))} goes on: ${shortText(String(text[at]), 120)}`)
  ].join('\n');
}
