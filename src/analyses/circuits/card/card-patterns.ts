import type { Context } from '../../../subject/context';
import type { Input, Subject } from '../../../subject/subject';
import { visitPatterns } from '../../attention/pattern-runs';
import { copyingScores, refusesCopying } from '../kinds/copying';
import { distanceShare } from '../kinds/distance-share';
import { cellsOf } from '../kinds/head-kinds';
import { kindScores } from '../kinds/kind-scores';
import type { HeadPlace } from '../../../figures/part-names';
import type { Section } from './card-section';
import { sectionOf } from './card-section';
import { storedPattern, type StoredPattern } from '../composition/stored-pattern';
import { taxonomyRows } from '../kinds/taxonomy-rows';
import { uniformAttention } from '../kinds/uniform-attention';

/** One prompt's pattern. */
export interface CardPattern {
  readonly input: Input;
  /** [query, key] of the first positions, (stored / 255)². */
  readonly values: StoredPattern;
}

/** The place with the largest weight among keys that are neither the first token nor the query itself; any where there is no such key. */
export interface SharpestLook {
  readonly query: number;
  readonly key: number;
}

export interface CardPatterns {
  readonly patterns: readonly CardPattern[];
  readonly sharpest: readonly SharpestLook[];
}

export async function cardPatterns(
  subject: Subject,
  inputs: readonly Input[],
  { layer, head }: HeadPlace,
  context: Context
): Promise<CardPatterns> {
  const patterns: CardPattern[] = [];
  const sharpest: SharpestLook[] = [];
  for (const input of inputs) {
    await visitPatterns(subject, { rows: [input.ids], layers: [layer] }, context, ({ weights, length }) => {
      const own = weights.subarray(head * length ** 2, (head + 1) * length ** 2);
      patterns.push({ input, values: storedPattern(own, length) });
      sharpest.push(sharpestLook(own, length));
    });
  }
  return { patterns, sharpest };
}

function sharpestLook(pattern: Float32Array, length: number): SharpestLook {
  let best = { query: length - 1, key: 0, weight: 0 };
  pattern.forEach((weight, at) => {
    const [query, key] = [Math.floor(at / length), at % length];
    if (key > 0 && key !== query && weight > best.weight) {
      best = { query, key, weight };
    }
  });
  return { query: best.query, key: best.key };
}

export interface CardScores {
  /** Share of weight on each of HEAD_KINDS's places, on repeated random tokens. */
  readonly kinds: readonly (number | null)[];
  /** The same of a head that looks at all it sees alike. */
  readonly chance: readonly (number | null)[];
  readonly positional: number;
  readonly copying: Section<number>;
  readonly sequences: number;
  /** Of a block that is repeated once. */
  readonly tokens: number;
}

const RANDOM = { on: 'random', batch: 4, length: 25 } as const;
const WINDOW = 5;

/** As `head-taxonomy` has them, of one head. */
export async function cardScores(
  subject: Subject,
  { layer, head }: HeadPlace,
  seed: number,
  context: Context
): Promise<CardScores> {
  const { causal } = subject.tower;
  const { rows, scattered, length } = taxonomyRows(subject, RANDOM, seed);
  const cells = rows.map(ids => cellsOf({ ids, causal }, WINDOW));
  const none = { first: false, current: false };
  const sums = cells[0].map(() => 0);
  let positional = 0;
  await visitPatterns(subject, { rows: [...rows, ...scattered], layers: [layer] }, context, one => {
    const own = one.weights.subarray(head * one.length ** 2, (head + 1) * one.length ** 2);
    if (one.row < rows.length) {
      kindScores(own, one.length, cells[one.row], none).forEach(
        ({ weight }, kind) => (sums[kind] += weight / rows.length)
      );
    } else {
      positional += distanceShare(own, one.length, causal) / rows.length;
    }
  });
  const copyingOf = async (): Promise<number> => {
    const [scores] = await copyingScores(subject, rows[0], [layer], context);
    return scores[head];
  };
  const orNull = (share: number): number | null => (Number.isNaN(share) ? null : share);
  const size = rows[0].length;
  return {
    kinds: sums.map(orNull),
    chance: kindScores(uniformAttention(size, causal), size, cells[0], none).map(({ weight }) => orNull(weight)),
    positional,
    copying: await sectionOf(refusesCopying(subject), copyingOf, context),
    sequences: rows.length,
    tokens: length!
  };
}
