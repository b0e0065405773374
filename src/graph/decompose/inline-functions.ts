import { attributeReference } from '../../onnx/attribute-reference';
import type { Attribute, LocalFunction, Model, Node, OpsetId } from '../../onnx/model';
import { quoted } from '../../onnx/quoted';
import { makeNode } from '../build';
import { nodeLabel } from '../uses';
import { refuse } from './rule';
import { takenNames } from './taken-names';
import { uniqueNames } from '../unique-names';

export interface Inlined {
  readonly model: Model;
  /** Calls that stay, each with the reason in one sentence. */
  readonly refused: readonly string[];
}

const MOST_NODES = 100_000;
/** Functions that call others twice, and so on, make nodes without end from a few bytes. */
const NODES_A_NODE = 64;
const NODES_OF_ANY = 10_000;
const MOST_DEPTH = 32;

/**
 * The model with every call of its local functions replaced by the function's nodes, calls inside functions too; tensors
 * inside get the call's name in front. The same object when nothing is called.
 */
export const inlineFunctions = (model: Model): Inlined => {
  const functions = new Map(model.functions.map(one => [keyOf(one.domain, one.name), one]));
  if (!model.graph.nodes.some(node => functions.has(keyOf(node.domain, node.opType)))) {
    return { model, refused: [] };
  }
  const stored = model.functions.reduce((sum, { nodes }) => sum + nodes.length, 0);
  const most = Math.min(MOST_NODES, model.graph.nodes.length + NODES_OF_ANY + NODES_A_NODE * stored);
  if (sizeOf(model.graph.nodes, functions, new Map()) > most) {
    return {
      model,
      refused: [
        `local functions are not inlined: they make more than ${most} nodes, or nest more than ${MOST_DEPTH} deep`
      ]
    };
  }
  const work: Work = {
    functions,
    opsets: [...model.opsets],
    doubled: new Set(doubled(model.functions.map(one => keyOf(one.domain, one.name)))),
    unique: uniqueNames(takenNames(model.graph)),
    refused: []
  };
  const nodes = model.graph.nodes.flatMap(node => expand(work, node, []));
  const kept = work.refused.length > 0 ? model.functions : [];
  return {
    model: { ...model, opsets: work.opsets, functions: kept, graph: { ...model.graph, nodes } },
    refused: work.refused
  };
};

interface Work {
  readonly functions: ReadonlyMap<string, LocalFunction>;
  /** Of the model; what a function imports besides is added. */
  readonly opsets: OpsetId[];
  readonly doubled: ReadonlySet<string>;
  readonly unique: (hint: string) => string;
  readonly refused: string[];
}

/** Nodes when all is inlined: a function inside itself counts as nothing, one nested too deep as infinitely many. */
const sizeOf = (
  nodes: readonly Node[],
  functions: ReadonlyMap<string, LocalFunction>,
  known: Map<string, number>,
  depth = 0
): number =>
  nodes.reduce((sum, { domain, opType }) => {
    const key = keyOf(domain, opType);
    const called = functions.get(key);
    if (called && !known.has(key)) {
      known.set(key, 0);
      known.set(key, depth < MOST_DEPTH ? sizeOf(called.nodes, functions, known, depth + 1) : Infinity);
    }
    return sum + (called ? known.get(key)! : 1);
  }, 0);

const keyOf = (domain: string, name: string): string => `${domain}:${name}`;

const doubled = (keys: readonly string[]): readonly string[] => keys.filter((key, i) => keys.indexOf(key) !== i);

const expand = (work: Work, node: Node, callers: readonly string[]): readonly Node[] => {
  const key = keyOf(node.domain, node.opType);
  const called = work.functions.get(key);
  if (!called) {
    return [node];
  }
  const why = obstacle(work, node, called, [...callers, key]);
  if (why !== undefined) {
    work.refused.push(refuse(node, why).refused);
    return [node];
  }
  importOpsets(work, called);
  return instance(work, node, called).flatMap(inner => expand(work, inner, [...callers, key]));
};

const obstacle = (work: Work, node: Node, called: LocalFunction, callers: readonly string[]): string | undefined => {
  const key = callers.at(-1)!;
  if (work.doubled.has(key)) {
    return `the file defines ${quoted(called.name)} more than once`;
  }
  if (callers.indexOf(key) < callers.length - 1) {
    return `the function ${quoted(called.name)} calls itself`;
  }
  const body = called.nodes.find(({ attributes }) => attributes.some(({ g, graphs }) => g ?? graphs));
  if (body) {
    return `its ${nodeLabel(body)} holds a sub-graph`;
  }
  const other = called.opsets.find(({ domain, version }) => versionOf(work, domain, version) !== version);
  return other
    ? `it imports opset ${other.version} of '${other.domain}', the model ${versionOf(work, other.domain, 0)}`
    : undefined;
};

const versionOf = (work: Work, domain: string, otherwise: number): number =>
  work.opsets.find(opset => opset.domain === domain)?.version ?? otherwise;

const importOpsets = (work: Work, called: LocalFunction): void =>
  called.opsets
    .filter(({ domain }) => !work.opsets.some(opset => opset.domain === domain))
    .forEach(opset => work.opsets.push(opset));

/** The function's nodes with the call's tensors and attributes in place of its own. */
const instance = (work: Work, node: Node, called: LocalFunction): readonly Node[] => {
  const prefix = node.name || node.outputs[0];
  const names = new Map<string, string>([['', '']]);
  called.inputs.forEach((name, i) => names.set(name, node.inputs[i] ?? ''));
  const copies: Node[] = [];
  called.outputs.forEach((name, i) => {
    const output = node.outputs[i];
    if (output && names.has(name)) {
      copies.push(makeNode('Identity', [names.get(name)!], [output]));
    } else if (output) {
      names.set(name, output);
    }
  });
  const renamed = (name: string): string => names.get(name) ?? define(names, name, work.unique(`${prefix}/${name}`));
  const inner = called.nodes.map(one => ({
    ...one,
    name: `${prefix}/${one.name || one.opType}`,
    inputs: one.inputs.map(renamed),
    outputs: one.outputs.map(renamed),
    attributes: one.attributes.flatMap(attribute => resolved(attribute, node, called) ?? [])
  }));
  return [...inner, ...copies];
};

const define = (names: Map<string, string>, name: string, as: string): string => {
  names.set(name, as);
  return as;
};

/** What a reference to an attribute of the function stands for; nothing where neither call nor function gives it. */
const resolved = (attribute: Attribute, node: Node, called: LocalFunction): Attribute | undefined => {
  const reference = attributeReference(attribute);
  if (reference === undefined) {
    return attribute;
  }
  const value = [...node.attributes, ...called.attributeDefaults].find(({ name }) => name === reference);
  return value && { ...value, name: attribute.name };
};
