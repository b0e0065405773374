import type { Block, NormPart, Projection, Tower } from '../../anatomy/anatomy';
import type { Certificate } from '../../anatomy/certificate/certificate';
import type { ReadMatrix } from '../../anatomy/certificate/layer-maths';
import { copyView, ownColumns, weightView, type WeightView } from '../../anatomy/constants/weight-view';
import type { Tensor } from '../../onnx/tensor';
import { WEIGHTS, weightRow, type WeightName, type WeightRow } from './weight-table';

/** Absent is all. Layers and heads (of keys and values their own) in any order; `range` is a part of the vocabulary or of the positions. */
export interface WeightSelection {
  readonly layers?: readonly number[];
  readonly heads?: readonly number[];
  readonly range?: readonly [number, number];
}

/**
 * Weights in TransformerLens's conventions whatever their layout in the file: W_Q, W_K, W_V [layer, head, d_model, d_head], W_O [layer,
 * head, d_head, d_model], W_in, W_gate [layer, d_model, d_mlp], W_out [layer, d_mlp, d_model], W_E [d_vocab, d_model], W_pos [position,
 * d_model], W_U [d_model, d_vocab], their biases, and the norms' weights. As the file has them: nothing is folded or centred.
 */
export interface ModelWeights {
  /** Those that the model has. */
  readonly names: readonly WeightName[];
  /** Single precision, dequantised now; nothing is kept. Throws for what is not there, not proven, out of range or too large at once. */
  read(name: WeightName, selection?: WeightSelection): Tensor;
  /** `read` in parts of at most `bytes`: layer by layer, or a range of the vocabulary or the positions. */
  chunks(name: WeightName, bytes: number, selection?: WeightSelection): Generator<WeightChunk>;
}

export interface WeightChunk {
  readonly layers?: readonly number[];
  readonly range?: readonly [number, number];
  readonly tensor: Tensor;
}

export interface WeightSources {
  readonly tower: Tower;
  readonly certificate: Certificate;
  /** Whole, or some of the rows as they are stored. */
  readonly read: (name: string, rows?: readonly [number, number]) => ReturnType<ReadMatrix>;
  readonly label: string;
}

/** Elements given at once. */
const MOST_ELEMENTS = 2 ** 28;

export const modelWeights = (sources: WeightSources): ModelWeights => {
  const { tower } = sources;
  const read: ModelWeights['read'] = (name, selection = {}) => {
    const row = weightRow(name);
    refuseUnproven(sources, name, row);
    return row.scope === 'layer' ? ofLayers(sources, name, row, selection) : ofModel(sources, name, row, selection);
  };
  return {
    names: WEIGHTS.filter(row => isThere(tower, row)).map(({ name }) => name),
    read,
    chunks: function* (name, bytes, selection = {}) {
      const row = weightRow(name);
      if (row.scope === 'layer') {
        for (const layer of selection.layers ?? tower.blocks.keys()) {
          yield { layers: [layer], tensor: read(name, { ...selection, layers: [layer] }) };
        }
        return;
      }
      const [start, end] = selection.range ?? [0, row.size(tower)];
      const step = Math.max(1, Math.floor(bytes / 4 / (row.kind === 'bias' ? 1 : tower.dModel)));
      for (let at = start; at < end; at += step) {
        const range = [at, Math.min(at + step, end)] as const;
        yield { range, tensor: read(name, { range }) };
      }
    }
  };
};

const isThere = (tower: Tower, row: WeightRow): boolean =>
  row.scope === 'model'
    ? nameOf(row, row.part(tower)) !== undefined
    : tower.blocks.some(block => nameOf(row, row.part(block)) !== undefined && row.refuses?.(block) === undefined);

const nameOf = ({ kind }: WeightRow, part: Projection | NormPart | undefined): string | undefined =>
  kind === 'bias' ? part?.bias : part?.weight;

/** The identity that multiplies this weight must not have failed. */
const refuseUnproven = ({ certificate, label }: WeightSources, name: string, { identities }: WeightRow): void => {
  const failed = certificate.identities.find(
    one => identities.includes(one.name) && !one.holds && one.why === undefined
  );
  if (failed) {
    throw new Error(
      `weight not served: '${name}' of '${label}', the identity ${failed.name} fails at ${failed.at ?? 'the model'}`
    );
  }
};

const missing = ({ label }: WeightSources, name: string, why: string): Error =>
  new Error(`weight missing: '${name}' of '${label}', ${why}`);

const ofLayers = (
  sources: WeightSources,
  name: string,
  row: Extract<WeightRow, { scope: 'layer' }>,
  selection: WeightSelection
): Tensor => {
  const { tower } = sources;
  const count = row.heads?.(tower);
  const layers = indices(selection.layers, tower.blocks.length, 'layer', name);
  const heads = count === undefined ? [0] : indices(selection.heads, count, 'head', name);
  refuseKey(name, 'range', selection.range);
  if (count === undefined) {
    refuseKey(name, 'heads', selection.heads);
  }
  const parts = layers.map(layer => layerPart(sources, name, row, tower.blocks[layer], layer, heads, count ?? 1));
  const size = parts.reduce((sum, { data }) => sum + data.length, 0);
  const data = new Float32Array(refuseLarge(name, size));
  parts.reduce((at, part) => (data.set(part.data, at), at + part.data.length), 0);
  const uneven = parts.find(({ dims }) => dims.join() !== parts[0].dims.join());
  if (uneven) {
    throw missing(
      sources,
      name,
      `its layers have unequal shapes: [${parts[0].dims.join(', ')}] and [${uneven.dims.join(', ')}]`
    );
  }
  return {
    dims: [layers.length, ...(count === undefined ? [] : [heads.length]), ...(parts[0]?.dims ?? [])],
    type: 'float32',
    data
  };
};

interface Part {
  /** Without layer and head. */
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

const layerPart = (
  sources: WeightSources,
  name: string,
  row: Extract<WeightRow, { scope: 'layer' }>,
  block: Block,
  layer: number,
  heads: readonly number[],
  count: number
): Part => {
  const part = row.part(block);
  const where = `layer ${layer}`;
  const why = row.refuses?.(block);
  if (why !== undefined) {
    throw missing(sources, name, `${where} ${why}`);
  }
  if (row.kind !== 'matrix') {
    const values = vector(sources, name, row, part, where);
    const width = values.length / count;
    return { dims: [width], data: joined(heads.map(head => values.subarray(head * width, (head + 1) * width))) };
  }
  const view = matrix(sources, name, part as Projection | undefined, where);
  const byRow = row.headAxis === 'rows';
  const [rows, columns] = [view.rows.length / (byRow ? count : 1), view.columns.length / (byRow ? 1 : count)];
  if (!Number.isInteger(rows) || !Number.isInteger(columns)) {
    throw missing(
      sources,
      name,
      `${where} has [${view.rows.length}, ${view.columns.length}], not parted into ${count} heads`
    );
  }
  const data = new Float32Array(refuseLarge(name, heads.length * rows * columns));
  heads.forEach((head, at) => {
    const [r, c] = byRow ? [head * rows, 0] : [0, head * columns];
    copyView(view, [r, r + rows], [c, c + columns], data.subarray(at * rows * columns, (at + 1) * rows * columns));
  });
  return { dims: [rows, columns], data };
};

const joined = (parts: readonly Float32Array[]): Float32Array => {
  const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (data.set(part, at), at + part.length), 0);
  return data;
};

const matrix = (sources: WeightSources, name: string, part: Projection | undefined, where: string): WeightView => {
  const stored = part?.weight === undefined ? undefined : sources.read(part.weight);
  const view = stored && weightView(stored, part!);
  if (!view) {
    throw missing(sources, name, `${where} ${part ? 'does not store it as numbers that are understood' : 'has none'}`);
  }
  return view;
};

/** A bias, or a norm's weight. */
const vector = (
  sources: WeightSources,
  name: string,
  row: WeightRow,
  part: Projection | NormPart | undefined,
  where: string
): Float32Array => {
  const tensor = nameOf(row, part);
  const stored = tensor === undefined ? undefined : sources.read(tensor);
  if (!stored) {
    throw missing(sources, name, `${where} has none`);
  }
  const { data } = stored;
  const own = part && 'node' in part ? ownColumns(part, data.length) : undefined;
  return own ? Float32Array.from(own, at => data[at]) : Float32Array.from(data);
};

const ofModel = (
  sources: WeightSources,
  name: string,
  row: Extract<WeightRow, { scope: 'model' }>,
  selection: WeightSelection
): Tensor => {
  const { tower } = sources;
  refuseKey(name, 'layers', selection.layers);
  refuseKey(name, 'heads', selection.heads);
  const part = row.part(tower);
  if (row.kind === 'matrix') {
    return table(sources, name, part as Projection | undefined, row, selection.range);
  }
  const values = vector(sources, name, row, part, `the tower '${tower.name}'`);
  const [start, end] = rangeOf(name, selection.range, values.length);
  return { dims: [end - start], type: 'float32', data: values.slice(start, end) };
};

/** Of W_E and W_pos rows, of W_U columns: only that part is converted where it lies together in the file. */
const table = (
  sources: WeightSources,
  name: string,
  part: Projection | undefined,
  row: Extract<WeightRow, { scope: 'model' }>,
  range: WeightSelection['range']
): Tensor => {
  if (part?.weight === undefined) {
    throw missing(sources, name, `the tower '${sources.tower.name}' does not store it as numbers that are understood`);
  }
  const total = row.size(sources.tower);
  const before = row.before?.(sources.tower) ?? 0;
  const [start, end] = rangeOf(name, range, total).map(at => at + before);
  const { dModel } = sources.tower;
  refuseLarge(name, (end - start) * dModel);
  const together = row.headAxis === 'rows' ? !part.transposed : Boolean(part.transposed);
  const cut = together && !part.columns && !part.layout;
  const reader: WeightSources = cut ? { ...sources, read: tensor => sources.read(tensor, [start, end]) } : sources;
  const view = matrix(reader, name, part, `the tower '${sources.tower.name}'`);
  const [from, to] = cut ? [0, end - start] : [start, end];
  const [rows, columns] =
    row.headAxis === 'rows'
      ? [
          [from, to],
          [0, dModel]
        ]
      : [
          [0, dModel],
          [from, to]
        ];
  if (view.rows.length < rows[1] || view.columns.length < columns[1]) {
    throw missing(
      sources,
      name,
      `its table is [${view.rows.length}, ${view.columns.length}], wanted [${rows[1]}, ${columns[1]}] of it`
    );
  }
  const data = new Float32Array((end - start) * dModel);
  copyView(view, [rows[0], rows[1]], [columns[0], columns[1]], data);
  return { dims: [rows[1] - rows[0], columns[1] - columns[0]], type: 'float32', data };
};

const indices = (
  wanted: readonly number[] | undefined,
  count: number,
  kind: string,
  name: string
): readonly number[] => {
  const all = wanted ?? Array.from({ length: count }, (_, at) => at);
  const wrong = all.find(at => !Number.isInteger(at) || at < 0 || at >= count);
  if (wrong !== undefined) {
    throw new Error(`${kind} out of range: ${wrong} of '${name}', which has ${count}`);
  }
  return all;
};

const rangeOf = (name: string, range: WeightSelection['range'], total: number): readonly [number, number] => {
  const [start, end] = range ?? [0, total];
  if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end > total || start > end) {
    throw new Error(`range out of bounds: ${start} to ${end} of '${name}', which has ${total}`);
  }
  return [start, end];
};

const refuseKey = (name: string, key: string, value: unknown): void => {
  if (value !== undefined) {
    throw new Error(`selection not understood: '${name}' has no ${key}`);
  }
};

const refuseLarge = (name: string, size: number): number => {
  if (size > MOST_ELEMENTS) {
    throw new Error(
      `weight too large: '${name}' has ${size} numbers, at most ${MOST_ELEMENTS} are given at once (read it in chunks)`
    );
  }
  return size;
};
