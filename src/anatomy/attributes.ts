import type { Attribute, Graph, Node } from '../onnx/model';

const find = (node: Node, name: string): Attribute | undefined => node.attributes.find(a => a.name === name);

export const intAttribute = (node: Node, name: string): number | undefined => {
  const value = find(node, name)?.i;
  return value === undefined ? undefined : Number(value);
};

export const intsAttribute = (node: Node, name: string): number[] | undefined => find(node, name)?.ints?.map(Number);

export const floatAttribute = (node: Node, name: string): number | undefined => find(node, name)?.f;

export const stringAttribute = (node: Node, name: string): string | undefined => {
  const value = find(node, name)?.s;
  return value && new TextDecoder().decode(value);
};

/** Bodies of If, Loop and Scan. */
export const subgraphs = (node: Node): readonly Graph[] =>
  node.attributes.flatMap(a => [...(a.g ? [a.g] : []), ...(a.graphs ?? [])]);
