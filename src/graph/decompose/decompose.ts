import type { Model, Node, TensorProto } from '../../onnx/model';
import { quoted } from '../../onnx/quoted';
import { tensorBytes } from '../../onnx/tensor-bytes';
import type { Weights } from '../../onnx/weights';
import { createBuilder } from '../build';
import { topologicalOrder } from '../order';
import { uniqueNames } from '../unique-names';
import { usesOf } from '../uses';
import { callOf, complete, unsupported } from './call';
import { declaredForms, inferForms, type Form } from './form';
import { inlineFunctions } from './inline-functions';
import { namedAs } from './named-as';
import { isRefusal, refuse, type Refusal, type Row } from './rule';
import { createScope, type Scope, type ScopeOptions } from './scope';
import { TABLE } from './table';
import { takenNames } from './taken-names';

export interface Decomposed {
  readonly model: Model;
  /** Operators of the table that stay as they are, each with the reason in one sentence. */
  readonly refused: readonly string[];
}

/**
 * The model with its local functions inlined and its fused operators as sub-graphs of ai.onnx's primitive operators, which
 * compute the same: every tensor of the model keeps its name, but for those that only a fused operator made and none reads.
 * The same object when there is nothing to take apart. Sub-graphs of If and Loop are left alone.
 */
export const decompose = (model: Model, weights: Weights): Decomposed => {
  const inlined = inlineFunctions(model);
  const { graph } = inlined.model;
  if (!graph.nodes.some(node => TABLE.has(keyOf(node)))) {
    return inlined;
  }
  const { nodes, initializers, refused, changed } = rewrite(inlined.model, weights);
  return {
    model: changed
      ? { ...inlined.model, graph: { ...graph, nodes, initializers: [...graph.initializers, ...initializers] } }
      : inlined.model,
    refused: [...inlined.refused, ...refused]
  };
};

const keyOf = ({ domain, opType }: Node): string => `${domain === 'ai.onnx' ? '' : domain}:${opType}`;

interface Rewritten {
  readonly nodes: readonly Node[];
  /** New ones. */
  readonly initializers: readonly TensorProto[];
  readonly refused: readonly string[];
  readonly changed: boolean;
}

const rewrite = (model: Model, weights: Weights): Rewritten => {
  const surroundings = look(model, weights);
  const nodes: Node[] = [];
  const initializers: TensorProto[] = [];
  const refused: string[] = [];
  let changed = false;
  for (const node of topologicalOrder(model.graph.nodes)) {
    infer(surroundings.forms, node);
    const row = TABLE.get(keyOf(node));
    const parts = row && takeApart(surroundings, node, row);
    if (parts === undefined || 'refused' in parts) {
      nodes.push(node);
      refused.push(...(parts ? [parts.refused] : []));
    } else {
      nodes.push(...parts.nodes);
      initializers.push(...parts.initializers);
      changed = true;
    }
  }
  return { nodes, initializers, refused, changed };
};

/** What the rules see of the graph around a node. */
interface Surroundings extends Omit<ScopeOptions, 'builder' | 'node'> {
  readonly unique: (hint: string) => string;
  /** A node reads it, or it is an output of the graph. */
  readonly isRead: (tensor: string) => boolean;
}

const look = (model: Model, weights: Weights): Surroundings => {
  const { graph } = model;
  const uses = usesOf(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const initialisers = new Map(graph.initializers.map(tensor => [tensor.name, tensor]));
  return {
    opset: model.opsets.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0,
    forms: declaredForms(graph),
    madeBy: tensor => uses.producer(tensor)?.node.opType,
    initialiser: name => whole(initialisers.get(name), weights),
    unique: uniqueNames(takenNames(graph)),
    isRead: tensor => tensor !== '' && (outputs.has(tensor) || uses.consumers(tensor).length > 0)
  };
};

const takeApart = (
  { unique, isRead, ...around }: Surroundings,
  node: Node,
  row: Row
): { nodes: readonly Node[]; initializers: readonly TensorProto[] } | Refusal => {
  const builder = createBuilder(unique);
  const wanted = node.outputs.map(isRead);
  const scope = createScope({ ...around, builder, node });
  const answer =
    unsupported(node, row, around.opset) ?? untyped(node, scope) ?? row.rule(callOf(node, row, wanted), scope);
  const made = isRefusal(answer) ? answer : complete(node, wanted, answer);
  if (isRefusal(made)) {
    return made;
  }
  const { forms } = around;
  node.outputs.forEach((output, i) => forms.set(output, joined(forms.get(output), forms.get(made[i] ?? '') ?? {})));
  const { nodes, initializers } = builder.graph('');
  return { nodes: namedAs(nodes, node, made, wanted), initializers };
};

/** Constants are made in the type of what they meet. */
const untyped = (node: Node, scope: Scope): Refusal | undefined => {
  const input = node.inputs.find(name => name !== '' && scope.type(name) === undefined);
  return input === undefined
    ? undefined
    : refuse(node, `the element type of ${quoted(input)} is not known, or not understood`);
};

const infer = (forms: Map<string, Form>, node: Node): void => {
  const inputs = node.inputs.map(input => forms.get(input) ?? {});
  inferForms(node, inputs).forEach((form, i) => forms.set(node.outputs[i], joined(forms.get(node.outputs[i]), form)));
};

/** What the file says goes before what is inferred. */
const joined = (declared: Form | undefined, inferred: Form): Form => ({
  ...inferred,
  ...declared,
  ...(declared?.shape &&
    inferred.shape && { shape: declared.shape.map((size, axis) => size ?? inferred.shape![axis] ?? null) })
});

/** With its data, wherever they are. */
const whole = (tensor: TensorProto | undefined, weights: Weights): TensorProto | undefined => {
  if (tensor?.data.kind === 'weight') {
    const weight = weights.get(tensor.name);
    return weight && { ...tensor, data: { kind: 'raw', bytes: weight.bytes } };
  }
  return tensor && { ...tensor, data: { kind: 'raw', bytes: tensorBytes(tensor) } };
};
