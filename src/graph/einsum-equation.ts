import type { Node } from '../onnx/model';

/** 'bqhe,bkhe->bhqk' as letters, one for each axis. */
export interface Equation {
  readonly left: readonly string[];
  readonly right: readonly string[];
  readonly out: readonly string[];
}

const text = new TextDecoder();

/** The equation of an Einsum of two operands, without ellipses and without a letter twice in one term. */
export const equationOf = (node: Node): Equation | undefined => {
  const written = node.opType === 'Einsum' ? node.attributes.find(({ name }) => name === 'equation')?.s : undefined;
  const terms = /^([A-Za-z]+),([A-Za-z]+)->([A-Za-z]+)$/
    .exec(text.decode(written).replace(/\s/g, ''))
    ?.slice(1)
    .map(term => [...term]);
  if (!terms?.every(term => new Set(term).size === term.length)) {
    return undefined;
  }
  const [left, right, out] = terms;
  return { left, right, out };
};
