import type { ResultTable, ResultTensor } from '../../result';
import { decodeTensor, encodeTensor } from '../../tensor-codec';
import { MODES } from './composition-scores';

/** The part of a result that holds scores. */
export interface ScoredPairs {
  /**
   * Of all pairs [mode (Q, K, V), pair] in the order of `pairPlace`, or the largest by layer [mode, from, to] where a notebook would not hold all;
   * NaN where it is not reached yet, where a product is zero, and where the receiver is in no later layer.
   */
  readonly values: ResultTensor & { readonly dtype: 'float32' };
  /** The largest of each mode, exact: place of the mode, from and to as places in all heads, score. */
  readonly top: ResultTable;
  /** Pairs with a score, of each mode. */
  readonly pairs: number;
}

export interface PairScores {
  /** [sender][receiver] of two layers. */
  put(mode: number, from: number, to: number, block: readonly (readonly number[])[]): void;
  /** As it is now. */
  scored(): ScoredPairs;
}

export const BY_HEAD = ['mode', 'pair'];
export const BY_LAYER = ['mode', 'from', 'to'];

/** Scores of all modes up to which each pair is kept: a quarter of a million characters in a notebook. */
const MOST_KEPT = 45000;
/** Pairs of each mode that are listed. */
const LISTED = 100;

/** Pairs of heads in different layers. */
export const pairCount = (layers: number, heads: number): number => ((layers * (layers - 1)) / 2) * heads * heads;

/** Pairs lie by receiving layer, sending layer, sender, receiver. */
export const pairPlace = (heads: number, from: number, to: number, sender: number): number =>
  ((to * (to - 1)) / 2 + from) * heads * heads + sender * heads;

/** Collects scores; `earlier` is a partial result of the same layers. */
export function pairScores(layers: number, heads: number, earlier?: ScoredPairs): PairScores {
  const count = pairCount(layers, heads);
  const byHead = MODES.length * count <= MOST_KEPT;
  const shape = byHead ? [MODES.length, count] : [MODES.length, layers, layers];
  const values = earlier
    ? decodeTensor(earlier.values)
    : new Float32Array(shape.reduce((size, side) => size * side)).fill(NaN);
  const tops = MODES.map((_, mode) => (earlier ? listed(earlier.top, mode) : []));
  let pairs = earlier?.pairs ?? 0;
  return {
    put(mode, from, to, block) {
      const scored = block.flatMap((row, sender) =>
        row.flatMap((score, receiver): Listed[] =>
          Number.isNaN(score) ? [] : [{ from: from * heads + sender, to: to * heads + receiver, score }]
        )
      );
      if (byHead) {
        block.forEach((row, sender) => values.set(row, mode * count + pairPlace(heads, from, to, sender)));
      } else if (scored.length > 0) {
        values[(mode * layers + from) * layers + to] = Math.max(...scored.map(({ score }) => score));
      }
      tops[mode] = [...tops[mode], ...scored].sort((a, b) => b.score - a.score).slice(0, LISTED);
      pairs += mode === 0 ? scored.length : 0;
    },
    scored: () => {
      const labels = { dims: byHead ? BY_HEAD : BY_LAYER, shape, unit: 'Frobenius ratio' };
      return { values: { ...encodeTensor(labels, values), dtype: 'float32' }, top: tableOf(tops), pairs };
    }
  };
}

/** One pair, by places in all heads. */
export interface Listed {
  readonly from: number;
  readonly to: number;
  readonly score: number;
}

/** A mode's pairs, the largest first. */
export function listed({ columns }: ResultTable, mode: number): Listed[] {
  return columns.mode.flatMap((own, at) =>
    own === mode
      ? [{ from: Number(columns.from[at]), to: Number(columns.to[at]), score: Number(columns.score[at]) }]
      : []
  );
}

function tableOf(tops: readonly (readonly Listed[])[]): ResultTable {
  const all = tops.flatMap((top, mode) => top.map(pair => ({ ...pair, mode })));
  return {
    columns: {
      mode: all.map(({ mode }) => mode),
      from: all.map(({ from }) => from),
      to: all.map(({ to }) => to),
      score: all.map(({ score }) => Number(score.toPrecision(7)))
    }
  };
}
