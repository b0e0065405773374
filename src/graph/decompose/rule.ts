import { nodeLabel } from '../uses';
import type { Node } from '../../onnx/model';
import { placeOf } from '../../onnx/place';
import type { Scope } from './scope';

/** One use of a fused operator: its inputs and attributes by the names of its specification. */
export interface Call {
  readonly node: Node;
  input(name: string): string | undefined;
  /** One that the row does not call optional: it is there. */
  required(name: string): string;
  /** The output is read by a node, or is one of the graph's. */
  wants(output: number): boolean;
  int(name: string): number | undefined;
  ints(name: string): readonly number[] | undefined;
  float(name: string): number | undefined;
  text(name: string): string | undefined;
  /** For one of the row's limits, with values in place of its dots. */
  refuse(limit: string, ...values: readonly (number | string | undefined)[]): Refusal;
}

/** Why an operator stays as it is: one sentence that names operator, node and cause. */
export interface Refusal {
  readonly refused: string;
}

/** Tensors equal to the node's outputs, in their order; undefined for one that is not made. */
export type Outputs = readonly (string | undefined)[];

/** Writes the primitive form into `scope`; nothing of it is kept when the answer is a refusal. */
export type Rule = (call: Call, scope: Scope) => Outputs | Refusal;

/** What the loop needs of one operator. */
export interface Row {
  readonly domains: readonly string[];
  readonly type: string;
  /** By position, as the specification names them, '?' behind optional ones. */
  readonly inputs: readonly string[];
  readonly attributes: readonly string[];
  /** Attributes that are understood at these values only. */
  readonly only?: Readonly<Record<string, readonly (number | string)[]>>;
  /** Why not more: of inputs that are not understood at all, and of attributes in `only`. */
  readonly because?: Readonly<Record<string, string>>;
  /** What the rule itself refuses: what follows 'is not taken apart', with '…' where a value stands. */
  readonly limits?: readonly string[];
  readonly rule: Rule;
}

export const MICROSOFT = 'com.microsoft';

/** What is taken apart is compared with the file as it stands, which ONNX Runtime must be able to run. */
export const NO_KERNEL = 'ONNX Runtime has no kernel for it on the CPU';

export const refuse = (node: Node, why: string): Refusal => ({
  refused: `${nodeLabel(node)}${placeOf(node)} is not taken apart: ${why}`
});

export const isRefusal = (answer: Outputs | Refusal): answer is Refusal => 'refused' in answer;
