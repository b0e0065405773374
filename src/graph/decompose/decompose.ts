import { createBuilder, makeNode } from '../build';
import { applyEdits, type Edit } from '../edit';
import { topologicalOrder } from '../order';
import { usesOf } from '../uses';
import type { Model, Node, TensorProto } from '../../onnx/model';
import { tensorBytes } from '../../onnx/tensor-bytes';
import type { Weights } from '../../onnx/weights';
import { declaredForms, inferForms, type Form } from './form';
import { inlineFunctions } from './inline-functions';
import { isRefusal, refuse, type Call, type Outputs, type Refusal, type Row } from './rule';
import { createScope } from './scope';
import { TABLE } from './table';
import { takenNames } from './taken-names';

export interface Decomposed {
  readonly model: Model;
  /** Operators of the table that stay as they are, each with the reason in one sentence. */
  readonly refused: readonly string[];
}

/** The oldest opset of ai.onnx whose operators the primitive forms are made of. */
const OLDEST_OPSET = 11;

/**
 * The model with its local functions inlined and its fused operators as sub-graphs of ai.onnx's primitive operators, which
 * compute the same: every tensor of the model keeps its name, but for those that only a fused operator made and none reads.
 * The same object when there is nothing to take apart. Sub-graphs of If and Loop are left alone.
 */
export const decompose = (model: Model, weights: Weights): Decomposed => {
  const inlined = inlineFunctions(model);
  const flat = inlined.model;
  const rows = flat.graph.nodes.map(node => TABLE.get(keyOf(node)));
  if (rows.every(row => row === undefined)) {
    return { model: flat, refused: inlined.refused };
  }
  const { edits, refused } = rewrite(flat, weights);
  const graph = edits.length > 0 ? applyEdits(flat.graph, edits) : flat.graph;
  return { model: graph === flat.graph ? flat : { ...flat, graph }, refused: [...inlined.refused, ...refused] };
};

const keyOf = ({ domain, opType }: Node): string => `${domain === 'ai.onnx' ? '' : domain}:${opType}`;

const rewrite = (model: Model, weights: Weights): { edits: readonly Edit[]; refused: readonly string[] } => {
  const { graph } = model;
  const opset = model.opsets.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0;
  const nodes = topologicalOrder(graph.nodes);
  const uses = usesOf(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const forms = declaredForms(graph);
  const initialisers = new Map(graph.initializers.map(tensor => [tensor.name, tensor]));
  const taken = new Set(takenNames(graph));
  const edits: Edit[] = [];
  const refused: string[] = [];
  for (const node of nodes) {
    const row = TABLE.get(keyOf(node));
    inferForms(
      node,
      node.inputs.map(input => forms.get(input) ?? {})
    ).forEach((form, i) => forms.set(node.outputs[i], joined(forms.get(node.outputs[i]), form)));
    if (!row) {
      continue;
    }
    const builder = createBuilder(taken);
    const scope = createScope({
      opset,
      builder,
      forms,
      madeBy: tensor => uses.producer(tensor)?.node.opType,
      initialiser: name => whole(initialisers.get(name), weights),
      prefix: node.name || node.outputs[0]
    });
    const wanted = node.outputs.map(name => name !== '' && (outputs.has(name) || uses.consumers(name).length > 0));
    const call = callOf(node, row, wanted);
    const answer = unsupported(call, row, opset) ?? row.rule(call, scope);
    const lacking = isRefusal(answer) ? answer : missing(node, wanted, answer);
    if (isRefusal(lacking)) {
      refused.push(lacking.refused);
      continue;
    }
    node.outputs.forEach((output, i) =>
      forms.set(output, joined(forms.get(output), forms.get(lacking[i] ?? '') ?? {}))
    );
    const made = namedAs(builder.edits(), node, lacking, wanted);
    made.forEach(edit => namesOf(edit).forEach(name => taken.add(name)));
    edits.push({ op: 'remove-node', tensor: node.outputs.find(Boolean)! }, ...made);
  }
  return { edits, refused };
};

/** What the file says goes before what is inferred. */
const joined = (declared: Form | undefined, inferred: Form): Form => ({
  ...inferred,
  ...declared,
  ...(declared?.shape &&
    inferred.shape && {
      shape: declared.shape.map((size, axis) => size ?? inferred.shape![axis] ?? null)
    })
});

const namesOf = (edit: Edit): readonly string[] =>
  edit.op === 'add-node' ? edit.node.outputs : edit.op === 'add-initializer' ? [edit.tensor.name] : [];

const whole = (tensor: TensorProto | undefined, weights: Weights): TensorProto | undefined => {
  if (tensor?.data.kind === 'weight') {
    const weight = weights.get(tensor.name);
    return weight && { ...tensor, data: { kind: 'raw', bytes: weight.bytes } };
  }
  return tensor && { ...tensor, data: { kind: 'raw', bytes: tensorBytes(tensor) } };
};

const text = new TextDecoder();

const callOf = (node: Node, { inputs }: Row, wanted: readonly boolean[]): Call => {
  const find = (name: string) => node.attributes.find(attribute => attribute.name === name);
  return {
    node,
    input: name => node.inputs[inputs.indexOf(name)] || undefined,
    wants: output => wanted[output] === true,
    int: name => (find(name)?.i === undefined ? undefined : Number(find(name)!.i)),
    ints: name => find(name)?.ints?.map(Number),
    float: name => find(name)?.f,
    text: name => (find(name)?.s === undefined ? undefined : text.decode(find(name)!.s))
  };
};

/** Attributes and inputs that the row does not name. */
const unsupported = ({ node }: Call, row: Row, opset: number): Refusal | undefined => {
  if (opset < OLDEST_OPSET) {
    return refuse(node, `opset ${opset} of ai.onnx is older than ${OLDEST_OPSET}`);
  }
  for (const { name, i, f, s } of node.attributes) {
    const value = s ? text.decode(s) : Number(i ?? f ?? 0);
    const allowed = row.only?.[name];
    if (allowed ? !allowed.includes(value) : !row.attributes.includes(name)) {
      const only = allowed ? `only ${allowed.join(' and ')} is understood` : 'which is not understood';
      return refuse(node, `its attribute '${name}' is ${value}, ${only}`);
    }
  }
  const strange = node.inputs.findIndex((input, i) => input !== '' && !row.inputs[i]);
  return strange < 0 ? undefined : refuse(node, `its input ${strange} ('${node.inputs[strange]}') is not understood`);
};

const missing = (node: Node, wanted: readonly boolean[], made: Outputs): Outputs | Refusal => {
  const lacking = wanted.findIndex((wants, i) => wants && made[i] === undefined);
  return lacking < 0 ? made : refuse(node, `its output ${lacking} ('${node.outputs[lacking]}') is not made`);
};

/** The rule's results take the names of the node's outputs; one that is no new tensor, or is used twice, is copied. */
const namedAs = (edits: readonly Edit[], node: Node, made: Outputs, wanted: readonly boolean[]): readonly Edit[] => {
  const fresh = new Set(edits.flatMap(edit => (edit.op === 'add-node' ? edit.node.outputs : [])));
  const renames = new Map<string, string>();
  const copies: Edit[] = [];
  node.outputs.forEach((output, i) => {
    const from = made[i];
    if (!wanted[i] || from === undefined) {
      return;
    }
    if (fresh.has(from) && !renames.has(from)) {
      renames.set(from, output);
    } else {
      copies.push({ op: 'add-node', node: makeNode('Identity', [renames.get(from) ?? from], [output]) });
    }
  });
  const renamed = (name: string): string => renames.get(name) ?? name;
  return [
    ...edits.map(edit =>
      edit.op === 'add-node'
        ? {
            ...edit,
            node: { ...edit.node, inputs: edit.node.inputs.map(renamed), outputs: edit.node.outputs.map(renamed) }
          }
        : edit
    ),
    ...copies
  ];
};
