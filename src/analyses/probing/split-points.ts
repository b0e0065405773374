import { shuffledOrder } from '../geometry/disjoint-parts';
import type { LabelledRows } from './labelled-rows';

export const SPLITS = ['random', 'last', 'words'] as const;
export type Split = (typeof SPLITS)[number];

export interface SplitPoints {
  /** Numbers of the points in the order in which a code sends them: texts as drawn, words of a text in order. */
  readonly order: readonly number[];
  /** Of each point of that order: it is for the test. */
  readonly test: readonly boolean[];
}

/** A third of the texts, or of the different words, is for the test: the last of those drawn. */
export function splitPoints({ texts, points }: LabelledRows, split: Split, seed: number): SplitPoints {
  const drawn = split === 'last' ? texts.map((_, row) => row) : shuffledOrder(texts.length, seed);
  const rank = new Map(drawn.map((row, at) => [row, at]));
  const order = points.map((_, at) => at).sort((a, b) => rank.get(points[a].row)! - rank.get(points[b].row)! || a - b);
  if (split === 'words') {
    const words = [...new Set(points.map(({ word }) => word))];
    const kept = new Set(shuffledOrder(words.length, seed).slice(0, boundary(words.length)));
    const trained = new Set(words.filter((_, at) => kept.has(at)));
    return { order, test: order.map(at => !trained.has(points[at].word)) };
  }
  return { order, test: order.map(at => rank.get(points[at].row)! >= boundary(texts.length)) };
}

const boundary = (all: number): number => Math.ceil((all * 2) / 3);
