import type { ResultTable } from '../../result';
import { encodeTensor } from '../../tensor-codec';
import type { Average } from '../attribution/attribution-table';
import type { Sums } from '../attribution/sums';
import type { HeadPair } from './virtual-scores';
import { ORIGINS } from './virtual-terms';
import type { VirtualHeads } from './virtual-view';

export const BY_HEAD = ['from', 'to'];
export const BY_LAYER = ['from_layer', 'to_layer'];

/** Heads up to which each pair is kept: 120 kB in a notebook. */
const MOST_HEADS = 150;

/** By head, or the sums of two layers' heads where a notebook would not hold all. */
export function mapOf(pairs: Sums, layers: number, heads: number): VirtualHeads['values'] {
  const all = layers * heads;
  const byHead = all <= MOST_HEADS;
  const side = byHead ? all : layers;
  const values = new Float32Array(side * side).fill(NaN);
  for (let from = 0; from < all; from++) {
    for (let to = heads * (Math.floor(from / heads) + 1); to < all; to++) {
      const cell = byHead ? from * all + to : Math.floor(from / heads) * layers + Math.floor(to / heads);
      values[cell] = (Number.isNaN(values[cell]) ? 0 : values[cell]) + pairs.mean(from * all + to);
    }
  }
  const labels = { dims: byHead ? BY_HEAD : BY_LAYER, shape: [side, side], unit: 'logits' };
  return { ...encodeTensor(labels, values), dtype: 'float32' };
}

export const topTable = (chosen: readonly HeadPair[], top: readonly number[], pairs: Sums): ResultTable => ({
  columns: {
    fromLayer: chosen.map(({ from }) => from.layer),
    fromHead: chosen.map(({ from }) => from.head),
    toLayer: chosen.map(({ to }) => to.layer),
    toHead: chosen.map(({ to }) => to.head),
    value: top.map(pairs.mean),
    deviation: top.map(pairs.deviation)
  }
});

export function originTable(origins: Sums, heads: number, all: number): ResultTable {
  const places = Array.from({ length: all }, (_, at) => at);
  return {
    columns: {
      layer: places.map(at => Math.floor(at / heads)),
      head: places.map(at => at % heads),
      ...Object.fromEntries(
        ORIGINS.map((name, origin) => [name, places.map(at => origins.mean(at * ORIGINS.length + origin))])
      )
    }
  };
}

/** The metric by how many heads lie on the way. */
export function pathsOf({ terms }: Average, pairs: Sums, origins: Sums): Pick<VirtualHeads, 'paths' | 'sum'> {
  const of = (...kinds: readonly string[]): number =>
    terms.reduce((sum, { kind, value }) => (kinds.includes(kind) ? sum + value : sum), 0);
  const through = (origin: number): number =>
    origins.means.reduce((sum, value, at) => (at % ORIGINS.length === origin ? sum + value : sum), 0);
  const rows: readonly (readonly [string, number])[] = [
    ['embeddings', of('embedding', 'positions')],
    ['embeddings → head', through(0)],
    ['head → head', pairs.means.reduce((sum, value) => sum + value, 0)],
    ['MLP → head', through(2)],
    ['MLP', of('mlp')],
    ['biases', through(3) + of('bias', 'norm', 'constant')],
    ['remainder', of('remainder') + of('head') - [0, 1, 2, 3].reduce((sum, origin) => sum + through(origin), 0)]
  ];
  return {
    paths: { columns: { name: rows.map(([name]) => name), value: rows.map(([, value]) => value) } },
    sum: rows.reduce((sum, [, value]) => sum + value, 0)
  };
}
