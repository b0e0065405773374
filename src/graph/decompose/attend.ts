import { int } from '../attributes';
import type { Scope } from './scope';

/** What softmax(scale · q·kᵀ + bias)·v is made of; q, k and v are [batch, heads, pos, dim]. */
export interface Attention {
  readonly q: string;
  readonly k: string;
  readonly v: string;
  /** 1/√dim where it is not given. */
  readonly scale?: number;
  /** c · tanh(scores / c) before the biases; 0 is none. */
  readonly softcap?: number;
  /** Added to the scores one after the other; broadcastable to [batch, heads, query, key]. */
  readonly biases: readonly string[];
  /** Another score of each row, of which the share is dropped: broadcastable to [batch, heads, query, 1]. */
  readonly sink?: string;
  /** Rows in which all is masked with −∞ become zeros instead of NaN. */
  readonly mayBeEmpty?: boolean;
}

export interface Attended {
  readonly products: string;
  readonly capped: string;
  readonly scores: string;
  readonly pattern: string;
  readonly z: string;
}

const AXIS = int('axis', -1);

export const attend = (scope: Scope, attention: Attention): Attended => {
  const { q, k, v, softcap = 0, biases } = attention;
  const dots = scope.op('MatMul', [q, scope.transpose(k, [0, 1, 3, 2])]);
  const products = scaled(scope, dots, q, attention.scale);
  const capped = softcap > 0 ? cap(scope, products, softcap) : products;
  const scores = biases.reduce((sum, bias) => scope.op('Add', [sum, bias]), capped);
  const soft = attention.sink ? besideSink(scope, scores, attention.sink) : scope.op('Softmax', [scores], [AXIS]);
  const pattern = attention.mayBeEmpty
    ? scope.op('Where', [scope.op('IsNaN', [soft]), scope.number(0, soft), soft])
    : soft;
  return { products, capped, scores, pattern, z: scope.op('MatMul', [pattern, v]) };
};

/** Softmax over the keys and the sink, then the keys alone. */
const besideSink = (scope: Scope, scores: string, sink: string): string => {
  const rows = scope.slice(scope.op('Shape', [scores]), 0, 0, 3);
  const column = scope.op('Expand', [sink, scope.concat([rows, scope.ints([1])], 0)]);
  return scope.slice(scope.op('Softmax', [scope.concat([scores, column], 3)], [AXIS]), 3, 0, -1);
};

const scaled = (scope: Scope, dots: string, q: string, scale: number | undefined): string => {
  const width = scope.form(q).shape?.[3];
  const factor = scale ?? (typeof width === 'number' ? 1 / Math.sqrt(width) : undefined);
  if (factor !== undefined) {
    return scope.op('Mul', [dots, scope.number(factor, dots)]);
  }
  const root = scope.op('Sqrt', [scope.cast(scope.size(q, 3), scope.form(q).type!)]);
  return scope.op('Div', [dots, root]);
};

const cap = (scope: Scope, x: string, most: number): string => {
  const limit = scope.number(most, x);
  return scope.op('Mul', [scope.op('Tanh', [scope.op('Div', [x, limit])]), limit]);
};
