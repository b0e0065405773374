import type { Cell, Row, TableFigure } from '../../figures/figure';
import { signedNumber } from '../../figures/signed-number';
import type { LogitLens } from './logit-lens';
import { shortText } from '../short-text';
import { decodeTensor } from '../tensor-codec';
import { textTable } from '../text-table';

type Colour = 'probability' | 'kl';

/** The saved tensors as arrays. */
interface Lens {
  readonly layers: number;
  readonly k: number;
  readonly names: readonly string[];
  readonly noun: 'class' | 'token';
  readonly at: (layer: number, position: number) => LensCell;
}

interface LensCell {
  readonly ids: readonly number[];
  readonly labels: readonly string[];
  readonly probabilities: readonly number[];
  readonly kl: number;
  readonly entropy: number;
  readonly rank: number;
  /** Of a component, logits. */
  readonly contribution?: number;
}

function open(result: LogitLens): Lens {
  const [layers, positions, k] = result.values.shape;
  const [probabilities, kl, entropy] = [result.values, result.kl, result.entropy].map(one => decodeTensor(one));
  const [ids, rank] = [decodeTensor(result.ids), decodeTensor(result.rank)];
  const { id, label } = result.vocabulary.columns;
  const tokenNames = new Map(id.map((one, i) => [one, String(label[i])]));
  const contributions = result.contributions && decodeTensor(result.contributions);
  const names = Array.from({ length: layers }, (_, layer) => rowName(result, layer, layers));
  const at = (layer: number, position: number): LensCell => {
    const cell = layer * positions + position;
    const tokens = [...ids.subarray(cell * k, cell * k + k)];
    return {
      ids: tokens,
      labels: tokens.map(token => tokenNames.get(token) ?? String(token)),
      probabilities: [...probabilities.subarray(cell * k, cell * k + k)],
      kl: kl[cell],
      entropy: entropy[cell],
      rank: rank[cell],
      ...(contributions && { contribution: contributions[cell] })
    };
  };
  return { layers, k, names, noun: result.classes ? 'class' : 'token', at };
}

function rowName({ rows, by }: LogitLens, layer: number, layers: number): string {
  const name = rows?.[layer] ?? (layer === 0 ? 'embedding' : String(layer - 1));
  return layer === layers - 1 && by !== 'component' ? `${name} = output` : name;
}

/** What shades a cell, and the ends of the bar. */
interface Shade {
  readonly of: (cell: LensCell) => number;
  readonly bar: NonNullable<TableFigure['shading']>;
}

function shadeOf(result: LogitLens, colour: Colour): Shade {
  if (colour === 'kl') {
    const largest = Math.max(1e-9, ...decodeTensor(result.kl));
    const bar = { label: 'KL(output ‖ row), nats', low: '0', high: largest.toFixed(2) };
    return { of: ({ kl }) => kl / largest, bar };
  }
  if (result.contributions) {
    const [layers, positions] = result.contributions.shape;
    const largest = Math.max(1e-9, ...decodeTensor(result.contributions).subarray(0, (layers - 1) * positions));
    const bar = { label: 'logits for the output’s top token', low: '≤ 0', high: largest.toFixed(2) };
    return { of: ({ contribution }) => contribution! / largest, bar };
  }
  return { of: ({ probabilities: [top] }) => top, bar: { label: 'probability of the top token', low: '0', high: '1' } };
}

export function lensFigure(result: LogitLens, colour: Colour): TableFigure {
  const lens = open(result);
  const { positions, input: read } = result;
  const shade = shadeOf(result, colour);
  const columns = positions.map((_, position) => position);
  const rows = Array.from({ length: lens.layers }, (_, i): Row => {
    const layer = lens.layers - 1 - i;
    const cells = columns.map(position => cellOf(lens, layer, position, shade));
    return { label: lens.names[layer], cells };
  });
  return {
    kind: 'table',
    title: `Logit lens${result.by ? ` by ${result.by}` : ''}`,
    caption: caption(result),
    alt: altText(result, lens),
    corner: result.by ?? 'layer',
    columns: positions.map(position => ({
      label: result.classes === 'text' ? 'the whole text' : `${position} ${read.labels[position]}`
    })),
    rows,
    shading: shade.bar
  };
}

function cellOf(lens: Lens, layer: number, position: number, shade: Shade): Cell {
  const cell = lens.at(layer, position);
  const [final] = lens.at(lens.layers - 1, position).ids;
  const { contribution } = cell;
  return {
    text: cell.labels[0],
    shade: Math.min(1, Math.max(0, shade.of(cell))),
    bold: cell.ids[0] === final,
    detail: [
      ...cell.labels.slice(0, 5).map((label, i) => `${i + 1}. ${label}  ${cell.probabilities[i].toFixed(3)}`),
      ...(contribution === undefined
        ? []
        : [`${signedNumber(contribution, 3)} logits for the output’s top token, above the mean of all`]),
      `KL(output ‖ row) ${cell.kl.toFixed(3)} nats, entropy ${cell.entropy.toFixed(3)} nats`,
      `rank of the output’s top ${lens.noun}: ${cell.rank}`
    ]
  };
}

const ROWS = {
  layer: 'the residual stream after each block, the embedding at the bottom',
  sublayer: 'the residual stream after each attention and each MLP, the embedding at the bottom',
  component: 'what the embedding, each attention and each MLP writes alone, the output on top'
} as const;

function caption({ positions, input: read, outputError, classes, by = 'layer' }: LogitLens): string {
  const left = classes === 'text' ? 0 : read.ids.length - positions.length;
  const last = positions[0] === left ? 'The last ' : '';
  const shown = left ? ` ${last}${positions.length} of ${read.ids.length} positions are shown.` : '';
  const agrees = outputError === 0 ? 'exactly' : `within ${outputError.toExponential(1)} logits`;
  const cells =
    by === 'component'
      ? 'Cell: the token whose logit it raises most, the final norm’s scale held; bold where it is the output’s own. ' +
        `All rows and the biases add up to the output ${agrees}.`
      : `Cell: most probable ${classes ? 'class by the file’s own layers behind the last block' : 'next token by the final norm and unembedding'}; bold where it is the output’s own. ` +
        `The last block agrees with the output ${agrees}.`;
  const columns =
    classes === 'text' ? 'one column, for the whole text' : 'columns: positions with the token read there';
  return `Rows: ${ROWS[by]}; ${columns}. ${cells}${shown}`;
}

function altText(result: LogitLens, lens: Lens): string {
  const last = result.positions.length - 1;
  const output = lens.at(lens.layers - 1, last);
  const depth = result.depth[last];
  return shortText(
    `Logit lens, ${lens.layers} rows × ${result.positions.length} positions. ${result.classes === 'text' ? 'The' : 'At the last position the'} output is ` +
      `'${output.labels[0]}' (${output.probabilities[0].toFixed(2)})${depth === undefined ? '' : `, on top from ${depthName(lens, depth)}`}.`
  );
}

const depthName = ({ names, layers }: Lens, depth: number): string =>
  depth === 0 ? 'the embedding' : depth === layers - 1 ? 'the last row' : `row ${names[depth]}`;

/** All rows, or a stride that keeps the first and the last. */
function stride(layers: number, most: number): number[] {
  const step = Math.ceil((layers - 1) / (most - 1));
  const kept = Array.from({ length: layers }, (_, layer) => layer).filter(layer => layer % step === 0);
  return kept[kept.length - 1] === layers - 1 ? kept : [...kept, layers - 1];
}

export function lensSummary(result: LogitLens): string {
  const lens = open(result);
  const { positions, input: read, by, classes } = result;
  const last = positions.length - 1;
  const output = lens.at(lens.layers - 1, last);
  const [shown, place] =
    classes === 'text'
      ? [`classes of the whole text, ${read.ids.length} tokens`, 'of the whole text']
      : [
          `${positions.length} of ${read.ids.length} positions${classes ? ', classes of each token' : ''}`,
          `at position ${positions[last]} (${classes ? 'of' : 'after'} '${read.labels[positions[last]]}')`
        ];
  return [
    `Logit lens${by ? ` by ${by}` : ''}: ${lens.layers} rows x ${shown}`,
    `output ${place}: ` +
      output.labels
        .slice(0, 5)
        .map((label, i) => `'${label}' ${output.probabilities[i].toFixed(3)}`)
        .join(', '),
    ...(result.contributions ? componentLines(lens, last) : layerLines(result, lens, last))
  ].join('\n');
}

function layerLines({ positions, depth, classes, by = 'layer' }: LogitLens, lens: Lens, last: number): string[] {
  const rows = stride(lens.layers, 24).map(layer => {
    const cell = lens.at(layer, last);
    const numbers = [cell.probabilities[0].toFixed(3), cell.kl.toFixed(3), cell.entropy.toFixed(3)];
    return [lens.names[layer], cell.labels[0], ...numbers, cell.rank];
  });
  const mean = depth.reduce((a, b) => a + b, 0) / depth.length;
  return [
    `prediction depth: ${depth[last]} of ${lens.layers - 1}${classes === 'text' ? '' : ` there, ${mean.toFixed(2)} on average`}`,
    `${classes === 'text' ? '' : `at position ${positions[last]}, `}by ${by}:`,
    ...textTable([by, `top ${lens.noun}`, 'probability', 'KL (nats)', 'entropy (nats)', "output's rank"], rows)
  ];
}

const LISTED = 24;

function componentLines(lens: Lens, last: number): string[] {
  const rows = lens.names
    .slice(0, -1)
    .map((name, row) => ({ name, cell: lens.at(row, last) }))
    .sort((a, b) => Math.abs(b.cell.contribution!) - Math.abs(a.cell.contribution!));
  return [
    `there, logits for the output's top token above the mean of all tokens, the largest of ${rows.length} first:`,
    ...textTable(
      ['component', 'logits', 'raises most'],
      rows
        .slice(0, LISTED)
        .map(({ name, cell }) => [name, signedNumber(cell.contribution!, 3), cell.labels.slice(0, 3).join(', ')])
    )
  ];
}
