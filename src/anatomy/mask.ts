import type { Node } from '../onnx/model';
import type { Anchor } from './anchors';
import type { Dim } from './shapes/dims';
import type { Facts } from './facts';
import { SIZE_ONLY } from './op-classes';

/** What meets the scores between q·kᵀ and the softmax. */
export interface ScoreInputs {
  /** Tensors that do not depend on activations: masks, biases of position, scales. */
  readonly fixed: readonly string[];
  /** Looked up in a table: biases of relative position. */
  readonly relative: boolean;
}

const MOST_TENSORS = 60;

export const scoreInputs = (facts: Facts, { scores, products }: Anchor): ScoreInputs => {
  const queue = [scores];
  const seen = new Set(queue);
  const fixed: string[] = [];
  let relative = false;
  for (let i = 0; i < queue.length && i < MOST_TENSORS; i++) {
    const node = queue[i] === products ? undefined : facts.producer(queue[i]);
    relative ||= node?.opType === 'Gather';
    for (const input of node?.inputs.filter(name => name && !seen.has(name)) ?? []) {
      seen.add(input);
      (facts.isActivation(input) ? queue : fixed).push(input);
    }
  }
  return { fixed, relative };
};

/** What a tensor is computed from, sizes aside. */
export interface Cone {
  readonly nodes: ReadonlySet<Node>;
  readonly inputs: ReadonlySet<string>;
  readonly constants: ReadonlySet<string>;
}

const MOST_CONE = 2000;

export const coneOf = (facts: Facts, tensors: readonly string[]): Cone => {
  const queue = [...tensors];
  const seen = new Set(queue);
  const nodes = new Set<Node>();
  for (let i = 0; i < queue.length && i < MOST_CONE; i++) {
    const node = facts.producer(queue[i]);
    if (!node || SIZE_ONLY.has(node.opType) || facts.isActivation(queue[i])) {
      continue;
    }
    nodes.add(node);
    for (const input of node.inputs.filter(name => name && !seen.has(name))) {
      seen.add(input);
      queue.push(input);
    }
  }
  return { nodes, inputs: new Set(queue.filter(facts.isInput)), constants: new Set(queue.filter(facts.isConstant)) };
};

const COMPARISONS = new Set(['Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual']);

/** Later positions are masked: a triangle is cut out, two ranges of positions are compared, or a constant is a triangle. */
export const isCausal = (facts: Facts, cone: Cone): boolean =>
  [...cone.nodes].some(node => node.opType === 'Trilu' || comparesPositions(facts, node)) ||
  [...cone.constants].some(name => isTriangle(facts, name));

const comparesPositions = (facts: Facts, node: Node): boolean =>
  COMPARISONS.has(node.opType) && node.inputs.every(input => countsPositions(facts, input));

const countsPositions = (facts: Facts, tensor: string): boolean =>
  [...coneOf(facts, [tensor]).nodes].some(node => node.opType === 'Range' || node.opType === 'CumSum') ||
  [...coneOf(facts, [tensor]).constants].some(name => isRange(facts, name));

const isRange = (facts: Facts, name: string): boolean => {
  const numbers = facts.numbers(name);
  return numbers !== undefined && numbers.length >= 8 && numbers.every((value, i) => value === i);
};

const CORNER = 4;

/** One value above the diagonal of the last two axes, another on and below it, as far as its corner shows. */
const isTriangle = (facts: Facts, name: string): boolean => {
  const shape = facts.shape(name);
  const size = shape?.at(-1);
  const square =
    typeof size === 'number' && size >= 2 && size === shape!.at(-2) && shape!.slice(0, -2).every(dim => dim === 1);
  const numbers = square ? facts.numbers(name, CORNER * size) : undefined;
  if (!numbers) {
    return false;
  }
  const at = (row: number, column: number): number => numbers[row * (size as number) + column];
  return (
    Array.from({ length: CORNER ** 2 }, (_, i) => [Math.floor(i / CORNER), i % CORNER]).every(
      ([row, column]) =>
        row >= (size as number) ||
        column >= (size as number) ||
        at(row, column) === (column > row ? at(0, 1) : at(0, 0))
    ) && at(0, 1) !== at(0, 0)
  );
};

/** Another constant for each head among what meets the scores: no mask is one, a bias of positions is. */
export const hasTableOfHeads = (facts: Facts, cone: Cone, heads: number): boolean =>
  heads > 1 &&
  [...cone.constants].some(name => {
    const shape = facts.shape(name) ?? [];
    return shape.at(-3) === heads && shape.slice(-2).every(size => typeof size === 'number' && size > 1);
  });

/** A larger table is not read for its slopes. */
const MOST_NUMBERS = 4_000_000;

/** Slopes of ALiBi, one a head (Press et al. 2022), or the biases themselves, slope · position, as a table [.., head, .., position]. */
export const hasSlopes = (facts: Facts, cone: Cone, heads: number): boolean =>
  heads > 1 &&
  [...cone.constants].some(name => {
    const shape = facts.shape(name);
    const few = shape?.includes(heads) && (shape as number[]).reduce((a, b) => a * b, 1) <= MOST_NUMBERS;
    const numbers = few ? facts.numbers(name) : undefined;
    const readings = numbers ? [numbers, rowSteps(numbers, shape!, heads), stepsBack(numbers, shape!, heads)] : [];
    return readings.some(slopes => isSlopes(slopes, heads));
  });

/** 2^(−8i/n) for i = 1 … n where n is a power of two; else those of the next lower n, and every second one of 2n behind them. */
const slopeOf = (head: number, heads: number): number => {
  const lower = 2 ** Math.floor(Math.log2(heads));
  return head < lower ? 2 ** ((-8 * (head + 1)) / lower) : 2 ** ((-4 * (2 * (head - lower) + 1)) / lower);
};

/** A common factor aside, as for another maximal bias. */
const isSlopes = (numbers: ArrayLike<number>, heads: number): boolean => {
  const close = (a: number, b: number): boolean => Math.abs(a / b - 1) < 1e-3;
  const list = Array.from(numbers);
  const ratio = list[1] / list[0];
  return (
    list.length === heads &&
    list[0] !== 0 &&
    (list.every((value, head) => close(value / list[0], slopeOf(head, heads) / slopeOf(0, heads))) ||
      (ratio < 1 && list.every((value, head) => head === 0 || close(value / list[head - 1], ratio))))
  );
};

/** By how much each head's row of a table [1.., head, 1.., position] rises from one position to the next; empty where a row is not straight. */
const rowSteps = (numbers: ArrayLike<number>, shape: readonly Dim[], heads: number): readonly number[] => {
  const positions = shape.at(-1);
  if (typeof positions !== 'number' || positions < 4 || numbers.length !== heads * positions) {
    return [];
  }
  const steps = Array.from({ length: heads }, (_, head) => numbers[head * positions + 1] - numbers[head * positions]);
  const straight = (head: number): boolean =>
    [1, 2, positions - 2].every(at => {
      const row = head * positions + at;
      return Math.abs(numbers[row + 1] - numbers[row] - steps[head]) <= 1e-2 * Math.abs(steps[head]);
    });
  return steps.every((_, head) => straight(head)) ? steps : [];
};

/** Biases of relative position, one a head, are picked from a table that is too small to pass for embeddings (T5 with few buckets). */
export const hasBiasTable = (facts: Facts, { nodes }: Cone, heads: number): boolean =>
  [...nodes].some(({ opType, inputs: [table, indices] }) => {
    const shape = opType === 'Gather' && facts.isConstant(table) ? facts.shape(table) : undefined;
    return shape?.length === 2 && shape[1] === heads && !facts.isConstant(indices);
  });

/** Of a table [head, query_pos, key_pos]: what each head's bias loses with one step back, where two steps lose twice that. */
const stepsBack = (table: ArrayLike<number>, shape: readonly Dim[], heads: number): readonly number[] => {
  const [, rows, columns] = shape.slice(-3).map(Number);
  const at = (head: number, query: number, key: number): number => table[(head * rows + query) * columns + key];
  const fits = shape.at(-3) === heads && rows > 2 && columns > 2 && table.length === heads * rows * columns;
  const slopes = Array.from({ length: fits ? heads : 0 }, (_, head) => at(head, 2, 2) - at(head, 2, 1));
  const linear = slopes.every((slope, head) => Math.abs(at(head, 2, 2) - at(head, 2, 0) - 2 * slope) < 1e-3 * slope);
  return linear ? slopes : [];
};
