import { linearAlgebra } from '../../../maths/linear-algebra';
import { matrix, transpose, type Matrix } from '../../../maths/matrix';
import type { Block } from '../../../anatomy/anatomy';
import type { Cache, Subject } from '../../../subject/subject';
import type { WeightName } from '../../../subject/weights/weight-table';
import { floats } from '../../floats';
import { blockHook } from '../../hooks';
import type { MeasuredPrompt } from '../../patching/measured-prompts';
import { kvHeadOf } from '../folded-heads';
import { frozenNorm, NO_NORM, type FrozenNorm } from '../frozen-norm';
import { dot, firstParts, headFactor, partHooks, rowOf, streamHook } from '../stream-parts';

/** Where what a head read was written: by embeddings (positions too), by earlier heads, by MLPs; the rest is what biases give. */
export const ORIGINS = ['embeddings', 'heads', 'MLPs', 'biases'] as const;

/** One prompt's way through one head and through two, logits. Heads are counted through all layers. */
export interface VirtualTerms {
  /** [sender · heads + receiver]; 0 where the receiver is in no later layer. */
  readonly pairs: Float64Array;
  /** [receiver · ORIGINS + origin]; a receiver's add up to its direct term. */
  readonly origins: Float64Array;
}

/** A head as a reader at all positions for what it says at the last one. */
interface Reader {
  readonly layer: number;
  readonly at: number;
  /** W_V·W_O·direction in front of the norm that the head reads through, without that norm's scale: [d_model]. */
  readonly reads: Float64Array;
  /** Attention from where the answer is read over the norm's scale there: [pos]. */
  readonly looks: Float64Array;
  /** What the norm's bias and the value's give. */
  readonly constant: number;
}

export const virtualHooks = (subject: Subject): string[] => [
  ...new Set([
    ...partHooks(subject, subject.tower.layers),
    ...subject.tower.blocks.flatMap((_, layer) => [patternHook(subject, layer), streamHook(subject, layer)])
  ])
];

export const patternHook = (subject: Subject, layer: number): string => blockHook(subject, layer, 'attn.hook_pattern');

/**
 * What each head says where the answer is read along `direction` (in front of the final norm, divided by its scale), by who had written what it read: its values are linear
 * in the stream at every position with the norms' scales held, so that Σ_s A[answer, s]/scale[s] · part[s]·(W_V·W_O·direction) over the stream's parts is its direct term.
 */
export async function virtualTerms(
  subject: Subject,
  cache: Cache,
  { clean, answerAt }: MeasuredPrompt,
  direction: Float64Array
): Promise<VirtualTerms> {
  const { length } = clean.ids;
  const { layers, heads } = subject.tower;
  const all = layers * heads;
  const readers = subject.tower.blocks.flatMap((_, layer) =>
    readersOf(subject, cache, layer, { length, answerAt }, direction)
  );
  const terms = { pairs: new Float64Array(all * all), origins: new Float64Array(all * ORIGINS.length) };
  const add = (at: number, origin: number, value: number): void => {
    terms.origins[at * ORIGINS.length + origin] += value;
  };
  for (const { hook } of firstParts(subject)) {
    const rows = rowsOf(cache, hook, length);
    readers.forEach(reader => add(reader.at, 0, readRows(reader, rows)));
  }
  for (let layer = 0; layer < layers; layer++) {
    const later = readers.filter(reader => reader.layer > layer);
    for (const { sender, reader, value } of await fromHeads(subject, cache, layer, later, length)) {
      terms.pairs[sender * all + reader.at] = value;
      add(reader.at, 1, value);
    }
    const mlp = subject.tower.blocks[layer].mlp && rowsOf(cache, blockHook(subject, layer, 'hook_mlp_out'), length);
    const bias = outputBias(subject, layer);
    later.forEach(reader => {
      add(reader.at, 2, mlp ? readRows(reader, mlp) : 0);
      add(reader.at, 3, bias ? dot(bias, reader.reads) * sumOf(reader.looks) : 0);
    });
  }
  readers.forEach(reader => add(reader.at, 3, reader.constant));
  return terms;
}

function readersOf(
  subject: Subject,
  cache: Cache,
  layer: number,
  { length, answerAt }: { readonly length: number; readonly answerAt: number },
  direction: Float64Array
): Reader[] {
  const { tower } = subject;
  const pattern = floats(cache.get(patternHook(subject, layer)), patternHook(subject, layer));
  const norms = rowsOf(cache, streamHook(subject, layer), length).map(row => normAt(subject, layer, row));
  const shift = biasVector(subject, 'ln1.b', layer);
  const [o, v] = (['W_O', 'W_V'] as const).map(name => headsOf(subject, name, layer));
  const biases = biasVector(subject, 'b_V', layer);
  return Array.from({ length: tower.heads }, (_, head) => {
    const group = kvHeadOf(tower, head);
    const written = times(o[head], direction).map(value => headFactor(subject, layer) * value);
    const raw = times(v[group], written);
    const weights = Float64Array.from(
      pattern.subarray((head * length + answerAt) * length, (head * length + answerAt + 1) * length)
    );
    const bias = biases ? dot(biases.subarray(group * written.length, (group + 1) * written.length), written) : 0;
    return {
      layer,
      at: layer * tower.heads + head,
      constant: sumOf(weights) * (bias + (shift ? dot(shift, raw) : 0)),
      reads: norms[0].pullBack(raw),
      looks: Float64Array.from(weights, (weight, s) => weight / norms[s].scale)
    };
  });
}

/** What each head of a layer wrote, as later heads read it: z·(W_O·reads) at all positions that they look at. */
async function fromHeads(
  subject: Subject,
  cache: Cache,
  layer: number,
  later: readonly Reader[],
  length: number
): Promise<{ readonly sender: number; readonly reader: Reader; readonly value: number }[]> {
  if (later.length === 0) {
    return [];
  }
  const { multiply } = await linearAlgebra();
  const { heads, dModel } = subject.tower;
  const { data } = subject.weights.read('W_O', { layers: [layer] });
  const reads = matrix(
    later.length,
    dModel,
    later.flatMap(({ reads: own }) => [...own])
  );
  const width = data.length / heads / dModel;
  const weights = multiply(matrix(heads * width, dModel, data as Float32Array), transpose(reads));
  const z = rowsOf(cache, blockHook(subject, layer, 'attn.hook_z'), length);
  const factor = headFactor(subject, layer);
  return later.flatMap((reader, column) => {
    const seen = weighted(z, reader.looks);
    return Array.from({ length: heads }, (_, head) => {
      let value = 0;
      for (let d = head * width; d < (head + 1) * width; d++) {
        value += seen[d] * weights.data[d * later.length + column];
      }
      return { sender: layer * heads + head, reader, value: factor * value };
    });
  });
}

function normAt(subject: Subject, layer: number, stream: Float64Array): FrozenNorm {
  const part = subject.tower.blocks[layer].norms.find(({ role }) => role === 'ln1');
  return part
    ? frozenNorm(part, part.weight === undefined ? undefined : layerVector(subject, 'ln1.w', layer), stream)
    : NO_NORM;
}

const BIASES = {
  'ln1.b': ({ norms }) => norms.find(({ role }) => role === 'ln1')?.bias,
  b_V: ({ attention }) => attention.v.bias,
  b_O: ({ attention }) => attention.o.bias
} as const satisfies Partial<Record<WeightName, (block: Block) => string | undefined>>;

const layerVector = (subject: Subject, name: WeightName, layer: number): Float32Array =>
  subject.weights.read(name, { layers: [layer] }).data as Float32Array;

/** Undefined where the layer has no such bias. */
const biasVector = (subject: Subject, name: keyof typeof BIASES, layer: number): Float32Array | undefined =>
  BIASES[name](subject.tower.blocks[layer]) === undefined ? undefined : layerVector(subject, name, layer);

function outputBias(subject: Subject, layer: number): Float64Array | undefined {
  const bias = biasVector(subject, 'b_O', layer);
  return bias && Float64Array.from(bias, value => headFactor(subject, layer) * value);
}

function headsOf(subject: Subject, name: 'W_O' | 'W_V', layer: number): Matrix[] {
  const { dims, data } = subject.weights.read(name, { layers: [layer] });
  const [, count, rows, columns] = dims;
  const size = rows * columns;
  return Array.from({ length: count }, (_, head) =>
    matrix(rows, columns, (data as Float32Array).subarray(head * size, (head + 1) * size))
  );
}

const times = ({ rows, columns, data }: Matrix, vector: ArrayLike<number>): Float64Array =>
  Float64Array.from({ length: rows }, (_, row) => dot(data.subarray(row * columns, (row + 1) * columns), vector));

const rowsOf = (cache: Cache, hook: string, length: number): Float64Array[] =>
  Array.from({ length }, (_, position) => rowOf(cache, hook, position));

const readRows = ({ reads, looks }: Reader, rows: readonly Float64Array[]): number =>
  rows.reduce((sum, row, s) => sum + (looks[s] === 0 ? 0 : looks[s] * dot(row, reads)), 0);

/** Σ_s weight[s]·row[s] */
function weighted(rows: readonly Float64Array[], weights: Float64Array): Float64Array {
  const sum = new Float64Array(rows[0].length);
  rows.forEach((row, s) => weights[s] !== 0 && row.forEach((value, d) => (sum[d] += weights[s] * value)));
  return sum;
}

const sumOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
