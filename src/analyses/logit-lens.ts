import type { Cell, Row, TableFigure } from '../figures/figure';
import type { Input, Subject } from '../subject/subject';
import { analysis } from './analysis';
import type { Check } from './check';
import { agree, count, list, number, object, table, tensor, text } from './check';
import { INPUT } from './fields';
import { missingHook, select } from './hooks';
import { input, inputOf } from './input';
import type { LensReading } from './lens-rows';
import { predictionDepth } from './lens-rows';
import { lensRequest, readLens, residuals } from './lens-run';
import type { ResultTable, ResultTensor } from './result';
import { shortText } from './short-text';
import type { Spec } from './spec';
import { choice, indices, integer } from './spec';
import { decodeTensor, encodeTensor } from './tensor-codec';
import { textTable } from './text-table';

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
  /** First layer from which the top token no longer changes, for each position. */
  readonly depth: readonly number[];
  readonly positions: readonly number[];
  readonly input: Input;
  /** id, label of every token in `ids`. */
  readonly vocabulary: ResultTable;
  /** Largest |lens on the last block − model's output|, logits. */
  readonly outputError: number;
}

const SPEC = {
  ...INPUT,
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
  outputError: number
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
      'softmax(LN_f(h_l)·W_U): the final norm and the unembedding, by the file’s own nodes, applied to the residual stream after each block. In the last row it is the model’s output itself.',
    caveat:
      'Assumes that every layer writes in the basis of the last one. Earlier layers may use another, so an early row can mislead; a tuned lens corrects for it.',
    references: ['nostalgebraist 2020, interpreting GPT: the logit lens', 'Belrose et al. 2023, arXiv 2303.08112']
  },
  spec: SPEC,
  refuses(subject) {
    if (!subject.tower.head || !subject.tower.dVocab) {
      return 'no unembedding was found in this graph: it ends in hidden states, not in logits over a vocabulary';
    }
    return missingHook(subject, residuals(subject));
  },
  cost: (subject, spec) => subject.cost(lensRequest(subject, inputOf(subject, spec).ids)),
  async compute(subject, spec, context) {
    const read = inputOf(subject, spec);
    const positions = choosePositions(subject, spec, read.ids.length);
    const { readings, outputError } = await readLens(subject, read.ids, positions, spec.topK, context);
    return { ...pack(readings, spec.topK), positions, input: read, outputError, vocabulary: labels(subject, readings) };
  },
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const [layers, positions, k] = result.values.shape;
    agree('result.positions', positions, result.positions.length);
    agree('result.depth', positions, result.depth.length);
    agree(
      'result.ids.shape',
      layers * positions * k,
      result.ids.shape.reduce((a, b) => a * b, 1)
    );
    for (const name of ['ids', 'kl', 'entropy', 'rank'] as const) {
      agree(`result.${name} layers`, layers, result[name].shape[0]);
      agree(`result.${name} positions`, positions, result[name].shape[1]);
    }
    if (!(layers > 1 && positions > 0 && k > 0)) {
      throw new Error(`'result.values' has shape [${result.values.shape.join(', ')}]: an empty axis`);
    }
    if (![...result.positions].every(position => position < result.input.ids.length)) {
      throw new Error(`'result.positions' goes beyond the ${result.input.ids.length} tokens`);
    }
    return result;
  },
  figures: (result, spec) => [figure(result, spec)],
  summary: result => summary(result)
});

function choosePositions(subject: Subject, spec: LensSpec, length: number): readonly number[] {
  const most = Math.max(1, Math.floor(MOST_CELLS / ((subject.tower.layers + 1) * spec.topK)));
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

function labels({ tokens }: Subject, readings: readonly (readonly LensReading[])[]): ResultTable {
  const id = [...new Set(readings.flat().flatMap(reading => reading.ids))].sort((a, b) => a - b);
  return { columns: { id, label: id.map(one => tokens?.label(one) ?? String(one)) } };
}

/** The saved tensors as arrays. */
interface Lens {
  readonly layers: number;
  readonly k: number;
  readonly at: (layer: number, position: number) => LensCell;
}

interface LensCell {
  readonly ids: readonly number[];
  readonly labels: readonly string[];
  readonly probabilities: readonly number[];
  readonly kl: number;
  readonly entropy: number;
  readonly rank: number;
}

function open(result: LogitLens): Lens {
  const [layers, positions, k] = result.values.shape;
  const [probabilities, kl, entropy] = [result.values, result.kl, result.entropy].map(one => decodeTensor(one));
  const [ids, rank] = [decodeTensor(result.ids), decodeTensor(result.rank)];
  const { id, label } = result.vocabulary.columns;
  const names = new Map(id.map((one, i) => [one, String(label[i])]));
  const at = (layer: number, position: number): LensCell => {
    const cell = layer * positions + position;
    const tokens = [...ids.subarray(cell * k, cell * k + k)];
    return {
      ids: tokens,
      labels: tokens.map(token => names.get(token) ?? String(token)),
      probabilities: [...probabilities.subarray(cell * k, cell * k + k)],
      kl: kl[cell],
      entropy: entropy[cell],
      rank: rank[cell]
    };
  };
  return { layers, k, at };
}

const rowName = (layer: number, layers: number): string =>
  layer === 0 ? 'embedding' : layer === layers - 1 ? `${layer - 1} = output` : String(layer - 1);

function figure(result: LogitLens, { colour }: LensSpec): TableFigure {
  const lens = open(result);
  const { positions, input: read } = result;
  const columns = positions.map((_, position) => position);
  const largest = Math.max(1e-9, ...decodeTensor(result.kl));
  const rows = Array.from({ length: lens.layers }, (_, i): Row => {
    const layer = lens.layers - 1 - i;
    const cells = columns.map(position => cellOf(lens, layer, position, colour, largest));
    return { label: rowName(layer, lens.layers), cells };
  });
  return {
    kind: 'table',
    title: 'Logit lens',
    caption: caption(result),
    alt: altText(result, lens),
    corner: 'layer',
    columns: positions.map(position => ({ label: `${position} ${read.labels[position]}` })),
    rows,
    shading:
      colour === 'kl'
        ? { label: 'KL(output ‖ layer), nats', low: '0', high: largest.toFixed(2) }
        : { label: 'probability of the top token', low: '0', high: '1' }
  };
}

function cellOf(lens: Lens, layer: number, position: number, colour: LensSpec['colour'], largestKl: number): Cell {
  const cell = lens.at(layer, position);
  const [final] = lens.at(lens.layers - 1, position).ids;
  return {
    text: cell.labels[0],
    shade: Math.min(1, Math.max(0, colour === 'kl' ? cell.kl / largestKl : cell.probabilities[0])),
    bold: cell.ids[0] === final,
    detail: [
      ...cell.labels.slice(0, 5).map((label, i) => `${i + 1}. ${label}  ${cell.probabilities[i].toFixed(3)}`),
      `KL(output ‖ layer) ${cell.kl.toFixed(3)} nats, entropy ${cell.entropy.toFixed(3)} nats`,
      `rank of the output’s top token: ${cell.rank}`
    ]
  };
}

function caption({ positions, input: read, outputError }: LogitLens): string {
  const left = read.ids.length - positions.length;
  const shown = left ? ` ${positions.length} of ${read.ids.length} positions are shown.` : '';
  const agrees = outputError === 0 ? 'exactly' : `within ${outputError.toExponential(1)} logits`;
  return (
    'Rows: the residual stream after each block, the embedding at the bottom; columns: positions with the token read there. ' +
    'Cell: most probable next token by the final norm and unembedding; bold where it is the output’s own. ' +
    `The last block agrees with the output ${agrees}.${shown}`
  );
}

function altText(result: LogitLens, lens: Lens): string {
  const last = result.positions.length - 1;
  const output = lens.at(lens.layers - 1, last);
  return shortText(
    `Logit lens, ${lens.layers} rows × ${result.positions.length} positions. At the last position the output is ` +
      `'${output.labels[0]}' (${output.probabilities[0].toFixed(2)}), on top from ${depthName(result.depth[last], lens.layers)}.`
  );
}

const depthName = (depth: number, layers: number): string =>
  depth === 0 ? 'the embedding' : `layer ${depth - 1}${depth === layers - 1 ? ' (the last)' : ''}`;

/** All rows, or a stride that keeps the first and the last. */
function stride(layers: number, most: number): number[] {
  const step = Math.ceil((layers - 1) / (most - 1));
  const kept = Array.from({ length: layers }, (_, layer) => layer).filter(layer => layer % step === 0);
  return kept[kept.length - 1] === layers - 1 ? kept : [...kept, layers - 1];
}

function summary(result: LogitLens): string {
  const lens = open(result);
  const { positions, input: read, depth } = result;
  const last = positions.length - 1;
  const rows = stride(lens.layers, 24).map(layer => {
    const cell = lens.at(layer, last);
    const numbers = [cell.probabilities[0].toFixed(3), cell.kl.toFixed(3), cell.entropy.toFixed(3)];
    return [rowName(layer, lens.layers), cell.labels[0], ...numbers, cell.rank];
  });
  const output = lens.at(lens.layers - 1, last);
  const mean = depth.reduce((a, b) => a + b, 0) / depth.length;
  return [
    `Logit lens: ${lens.layers} rows x ${positions.length} of ${read.ids.length} positions`,
    `output at position ${positions[last]} (after '${read.labels[positions[last]]}'): ` +
      output.labels
        .slice(0, 5)
        .map((label, i) => `'${label}' ${output.probabilities[i].toFixed(3)}`)
        .join(', '),
    `prediction depth: ${depth[last]} of ${lens.layers - 1} there, ${mean.toFixed(2)} on average`,
    `at position ${positions[last]}, by layer:`,
    ...textTable(['layer', 'top token', 'probability', 'KL (nats)', 'entropy (nats)', "output's rank"], rows)
  ].join('\n');
}
