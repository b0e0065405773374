import type { Attribute, Node, TensorProto } from '../../onnx/model';
import { tensorBytes } from '../../onnx/tensor-bytes';
import { int, ints } from '../attributes';
import type { Builder } from '../build';
import type { Uses } from '../uses';
import type { Form } from './form';

/** What stands for one tensor of each head. */
export interface Lifted {
  readonly tensor: string;
  /** [batch, head, …]; otherwise one tensor that all heads share and that broadcasts over them. */
  readonly headed: boolean;
}

export interface Surroundings {
  readonly uses: Uses;
  readonly forms: ReadonlyMap<string, Form>;
  readonly builder: Builder;
  /** With its data, wherever they are. */
  initialiser(name: string): TensorProto | undefined;
}

/**
 * The tensors [batch, pos, …] of single heads, one of each, as one tensor [batch, head, pos, …]: backwards as long as the
 * heads are computed alike, to the layers that read one tensor with another weight for each head. Undefined where they
 * are not computed alike.
 */
export const liftHeads = (around: Surroundings, tensors: readonly string[]): Lifted | undefined =>
  lift({ ...around, done: new Map(), compared: new Map() }, tensors, 0);

/** Both by the tensors' names: where branches meet again, each is looked at once. */
interface State extends Surroundings {
  readonly done: Map<string, Lifted | undefined>;
  readonly compared: Map<string, boolean>;
}

const MOST_DEPTH = 60;

const lift = (state: State, tensors: readonly string[], depth: number): Lifted | undefined => {
  const key = JSON.stringify(tensors);
  if (!state.done.has(key)) {
    state.done.set(key, depth > MOST_DEPTH ? undefined : lifted(state, tensors, depth));
  }
  return state.done.get(key);
};

const lifted = (state: State, tensors: readonly string[], depth: number): Lifted | undefined => {
  if (alike(state, tensors, 0)) {
    return shared(state, tensors[0]);
  }
  const nodes = sameNodes(state, tensors);
  return nodes && (layer(state, nodes) ?? applied(state, nodes, depth));
};

/** One tensor for all heads: what has a batch gets an axis of one head behind it, a mask [query, key] needs none. */
const shared = ({ forms, builder }: State, tensor: string): Lifted | undefined => {
  const rank = forms.get(tensor)?.shape?.length;
  if (rank === undefined || rank > 3) {
    return undefined;
  }
  return { headed: false, tensor: rank === 3 ? builder.node('Unsqueeze', [tensor, builder.ints([1])]) : tensor };
};

/** The tensors have one value: they are the same, equal constants, sizes of tensors made alike, or computed alike of such. */
const alike = (state: State, tensors: readonly string[], depth: number): boolean => {
  const key = JSON.stringify(tensors);
  const known = state.compared.get(key) ?? areAlike(state, tensors, depth);
  state.compared.set(key, known);
  return known;
};

const areAlike = (state: State, tensors: readonly string[], depth: number): boolean => {
  const [first, ...rest] = tensors;
  if (rest.every(tensor => tensor === first)) {
    return true;
  }
  const constants = tensors.map(state.initialiser);
  if (constants.every(constant => constant !== undefined)) {
    return constants.every(constant => sameTensor(constant, constants[0]!));
  }
  const nodes = depth < MOST_DEPTH ? sameNodes(state, tensors) : undefined;
  return nodes !== undefined && (nodes[0].opType === 'Shape' || inputsAlike(state, nodes, depth));
};

const inputsAlike = (state: State, nodes: readonly Node[], depth: number): boolean =>
  nodes[0].inputs.every((_, slot) =>
    alike(
      state,
      nodes.map(({ inputs }) => inputs[slot]),
      depth + 1
    )
  );

/** The nodes that make the tensors, where they are the same operator with the same attributes. */
const sameNodes = ({ uses }: State, tensors: readonly string[]): readonly Node[] | undefined => {
  const ends = tensors.map(tensor => uses.producer(tensor));
  const [first] = ends;
  const same = ends.every(
    end =>
      end !== undefined &&
      end.slot === 0 &&
      end.node.opType === first!.node.opType &&
      end.node.domain === first!.node.domain &&
      end.node.inputs.length === first!.node.inputs.length &&
      sameAttributes(end.node.attributes, first!.node.attributes)
  );
  return same ? ends.map(end => end!.node) : undefined;
};

const sameAttributes = (a: readonly Attribute[], b: readonly Attribute[]): boolean =>
  a.length === b.length && a.every((one, i) => sameAttribute(one, b[i]));

const sameAttribute = (a: Attribute, b: Attribute): boolean => {
  const tensors = a.t && b.t ? sameTensor(a.t, b.t) : a.t === b.t;
  const plain = ({ name, type, f, i, s, floats, ints: whole }: Attribute): string =>
    [name, type, f, i, s?.join(), floats?.join(), whole?.join()].map(String).join('|');
  return tensors && !a.g && !b.g && !a.graphs && !b.graphs && plain(a) === plain(b);
};

const sameTensor = (a: TensorProto, b: TensorProto): boolean => {
  const fits = a.dataType === b.dataType && a.dims.join() === b.dims.join();
  const [x, y] = fits ? [tensorBytes(a), tensorBytes(b)] : [];
  return x !== undefined && x.length === y!.length && x.every((byte, i) => byte === y![i]);
};

/** x·W of each head, with or without a bias: one layer whose columns lie head after head, then parted. */
const layer = (state: State, nodes: readonly Node[]): Lifted | undefined => {
  const { builder, forms } = state;
  const biased = nodes[0].opType === 'Add' ? biasedLayers(state, nodes) : undefined;
  const products = biased?.products ?? nodes;
  const [{ opType, inputs }] = products;
  const weights = opType === 'MatMul' ? products.map(node => state.initialiser(node.inputs[1])) : [];
  const one = products.every(node => node.inputs[0] === inputs[0]) && forms.get(inputs[0])?.shape?.length === 3;
  const joined = one && weights.length > 1 ? sideBySide(weights, 2) : undefined;
  const bias = biased ? sideBySide(biased.biases, 1) : undefined;
  if (!joined || (biased && !bias)) {
    return undefined;
  }
  const product = builder.node('MatMul', [inputs[0], builder.initializer(joined)]);
  const whole = bias ? builder.node('Add', [product, builder.initializer(bias)]) : product;
  const width = weights[0]!.dims[1];
  const parted = builder.node('Reshape', [whole, builder.ints([0, 0, weights.length, width])]);
  return { headed: true, tensor: builder.node('Transpose', [parted], [PARTED]) };
};

const PARTED = ints('perm', [0, 2, 1, 3]);

interface Biased {
  readonly products: readonly Node[];
  readonly biases: readonly (TensorProto | undefined)[];
}

const biasedLayers = (state: State, nodes: readonly Node[]): Biased | undefined => {
  const slot = state.initialiser(nodes[0].inputs[0]) ? 0 : 1;
  const products = sameNodes(
    state,
    nodes.map(({ inputs }) => inputs[1 - slot])
  );
  const biases = nodes.map(({ inputs }) => state.initialiser(inputs[slot]));
  return products && biases.every(bias => bias?.dims.length === 1) ? { products, biases } : undefined;
};

/** Matrices [in, width], or vectors [width], of one shape and type, as one whose last axis holds one after another. */
const sideBySide = (tensors: readonly (TensorProto | undefined)[], rank: number): TensorProto | undefined => {
  const [first] = tensors;
  const fits = tensors.every(
    tensor =>
      tensor !== undefined &&
      tensor.dims.length === rank &&
      tensor.dataType === first!.dataType &&
      tensor.dims.join() === first!.dims.join()
  );
  if (!first || !fits) {
    return undefined;
  }
  const parts = tensors.map(tensor => tensorBytes(tensor!));
  const rows = rank === 2 ? first.dims[0] : 1;
  const each = parts[0].length / rows;
  const bytes = new Uint8Array(parts.length * parts[0].length);
  parts.forEach((part, head) => {
    for (let row = 0; row < rows; row++) {
      bytes.set(part.subarray(row * each, (row + 1) * each), (row * parts.length + head) * each);
    }
  });
  const dims = [...first.dims.slice(0, -1), first.dims[rank - 1] * tensors.length];
  return { ...first, name: `${first.name}_heads`, dims, data: { kind: 'raw', bytes } };
};

/** On each element: the heads' axis changes nothing. */
const ELEMENTWISE = new Set(
  'Add Sub Mul Div Pow Where Max Min Cast Identity Dropout Tanh Relu Sigmoid Erf Exp Neg Sqrt Clip MatMul'.split(' ')
);

const applied = (state: State, nodes: readonly Node[], depth: number): Lifted | undefined => {
  const [node] = nodes;
  const attributes = attributesOf(state, node);
  if (!attributes || nodes.some(({ outputs }) => outputs.slice(1).some(Boolean))) {
    return undefined;
  }
  const inputs = node.inputs.map((input, slot) =>
    input === ''
      ? { tensor: '', headed: false }
      : lift(
          state,
          nodes.map(other => other.inputs[slot]),
          depth + 1
        )
  );
  if (!inputs.every(input => input !== undefined) || !inputs.some(({ headed }) => headed)) {
    return undefined;
  }
  const tensors = inputs.map(({ tensor }) => tensor);
  return { headed: true, tensor: state.builder.node(node.opType, tensors, attributes, { domain: node.domain }) };
};

/** The attributes with one more axis behind the batch; undefined for an operator that is not understood. */
const attributesOf = ({ forms }: State, node: Node): readonly Attribute[] | undefined => {
  if (ELEMENTWISE.has(node.opType)) {
    return node.attributes;
  }
  const value = (name: string): Attribute | undefined => node.attributes.find(one => one.name === name);
  const axis = Number(value('axis')?.i ?? -1);
  if (node.opType === 'Softmax') {
    const last = axis === -1 || axis === (forms.get(node.inputs[0])?.shape?.length ?? 0) - 1;
    return last ? [int('axis', -1)] : undefined;
  }
  const perm = value('perm')?.ints?.map(Number);
  return node.opType === 'Transpose' && perm?.length === 3 && perm[0] === 0
    ? [ints('perm', [0, 1, perm[1] + 1, perm[2] + 1])]
    : undefined;
};
