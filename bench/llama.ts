import { int, ints } from '../src/graph/attributes';
import { createBuilder, makeModel, valueInfo, type Builder } from '../src/graph/build';
import { joinBytes } from '../src/onnx/join-bytes';
import { writeModel } from '../src/onnx/write-model';
import { causalTriangle, constantNumber, masked, scalar, shape, size, splitHeads } from './graph-parts';
import { createStore, type Store } from './weight-store';

export interface LlamaSizes {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly mlp: number;
  readonly vocabulary: number;
  readonly context: number;
}

/** SmolLM2-135M's. */
export const SMOL: LlamaSizes = {
  layers: 30,
  width: 576,
  heads: 9,
  kvHeads: 3,
  mlp: 1536,
  vocabulary: 49152,
  context: 512
};
const EPSILON = 1e-5;
const BASE = 10000;

interface Parts {
  readonly b: Builder;
  readonly sizes: LlamaSizes;
  readonly store: Store;
}

/** What the spelled out attention of every layer reads. */
interface Spelled extends Parts {
  readonly triangle: string;
  /** [1, 1, pos, d_head]. */
  readonly cos: string;
  readonly sin: string;
}

/**
 * A Llama of these sizes as two files: RMS norms spelled out, rotations of halves, keys and values for groups of queries, a gated MLP.
 * 'fused': rotations and attention by com.microsoft's GroupQueryAttention, without past.
 */
export const llamaFiles = (
  sizes: LlamaSizes,
  form: 'exported' | 'fused' = 'exported'
): { readonly model: Uint8Array; readonly weights: Uint8Array } => {
  const store = createStore(numbersOf(sizes));
  const b = createBuilder();
  const ids = b.input('input_ids', 'int64', ['batch', 'sequence']);
  const parts: Parts = { b, sizes, store };
  const attend = form === 'fused' ? grouped(parts, ids) : spelledOut(parts, ids);
  let stream = b.node('Gather', [store.take(b, 'model.embed_tokens.weight', [sizes.vocabulary, sizes.width]), ids]);
  for (let layer = 0; layer < sizes.layers; layer++) {
    const name = `model.layers.${layer}`;
    const attended = attend(norm(parts, stream, `${name}.input_layernorm`), `${name}.self_attn`);
    const middle = b.node('Add', [stream, attended]);
    stream = b.node('Add', [
      middle,
      mlp(parts, norm(parts, middle, `${name}.post_attention_layernorm`), `${name}.mlp`)
    ]);
  }
  const unembedding = store.take(b, 'lm_head.weight', [sizes.width, sizes.vocabulary]);
  const logits = b.node('MatMul', [norm(parts, stream, 'model.norm'), unembedding], [], { hint: 'logits' });
  b.output(valueInfo(logits, 'float32', ['batch', 'sequence', sizes.vocabulary]));
  const made = makeModel(b.graph('llama'), 17);
  const opsets = [...made.opsets, ...(form === 'fused' ? [{ domain: MICROSOFT, version: 1 }] : [])];
  return { model: joinBytes(writeModel({ ...made, opsets })), weights: store.bytes };
};

const headSize = ({ width, heads }: LlamaSizes): number => width / heads;

const numbersOf = (sizes: LlamaSizes): number => {
  const { layers, width, kvHeads, mlp: inner, vocabulary } = sizes;
  const block = 2 * width * width + 2 * width * kvHeads * headSize(sizes) + 3 * width * inner + 2 * width;
  return layers * block + 2 * vocabulary * width + width;
};

const rotations = (b: Builder, sizes: LlamaSizes, ids: string): { readonly cos: string; readonly sin: string } => {
  const half = headSize(sizes) / 2;
  const data = Float32Array.from({ length: half }, (_, i) => BASE ** (-i / half));
  const frequencies = b.tensor('inv_freq', { dims: [1, half], type: 'float32', data });
  const range = b.node('Range', [scalar(b, 0), size(b, ids, 1), scalar(b, 1)]);
  const positions = b.node('Cast', [b.node('Unsqueeze', [range, b.ints([1])])], [int('to', 1)]);
  const angles = b.node('MatMul', [positions, frequencies]);
  const both = b.node('Concat', [angles, angles], [int('axis', -1)]);
  const [cos, sin] = ['Cos', 'Sin'].map(op => b.node('Unsqueeze', [b.node(op, [both]), b.ints([0, 1])]));
  return { cos, sin };
};

const norm = ({ b, sizes, store }: Parts, x: string, name: string): string => {
  const square = b.node(
    'ReduceMean',
    [b.node('Pow', [x, constantNumber(b, 2)])],
    [ints('axes', [-1]), int('keepdims', 1)]
  );
  const root = b.node('Sqrt', [b.node('Add', [square, constantNumber(b, EPSILON)])]);
  const normalised = b.node('Mul', [x, b.node('Div', [constantNumber(b, 1), root])]);
  return b.node('Mul', [store.take(b, `${name}.weight`, [sizes.width], 1), normalised]);
};

const linear = ({ b, store }: Parts, x: string, name: string, from: number, to: number): string =>
  b.node('MatMul', [x, store.take(b, `${name}.weight`, [from, to])]);

type Attend = (x: string, name: string) => string;

const MICROSOFT = 'com.microsoft';

/** All of a row's tokens are new: its length less one, and the length, are what the operator asks for. */
const grouped = (parts: Parts, ids: string): Attend => {
  const { b, sizes } = parts;
  const { width, heads, kvHeads } = sizes;
  const dHead = headSize(sizes);
  const total = b.node('Cast', [size(b, ids, 1)], [int('to', 6)]);
  const one = b.tensor('one', { dims: [], type: 'int32', data: Int32Array.of(1) });
  const last = b.node('Expand', [b.node('Sub', [total, one]), b.node('Unsqueeze', [size(b, ids, 0), b.ints([0])])]);
  const [cos, sin] = [Math.cos, Math.sin].map(of => rotationTable(b, sizes, of));
  return (x, name) => {
    const [q, k, v] = (['q', 'k', 'v'] as const).map(part =>
      linear(parts, x, `${name}.${part}_proj`, width, (part === 'q' ? heads : kvHeads) * dHead)
    );
    const [z] = b.nodes(
      'GroupQueryAttention',
      [q, k, v, '', '', last, total, cos, sin],
      3,
      [int('num_heads', heads), int('kv_num_heads', kvHeads), int('do_rotary', 1)],
      { domain: MICROSOFT }
    );
    return linear(parts, z, `${name}.o_proj`, width, width);
  };
};

/** [context, d_head / 2]. */
const rotationTable = (b: Builder, sizes: LlamaSizes, of: (angle: number) => number): string => {
  const half = headSize(sizes) / 2;
  const data = Float32Array.from({ length: sizes.context * half }, (_, i) =>
    of(Math.floor(i / half) * BASE ** (-(i % half) / half))
  );
  return b.tensor('rotation', { dims: [sizes.context, half], type: 'float32', data });
};

const spelledOut = (parts: Parts, ids: string): Attend => {
  const { b, sizes } = parts;
  const spelled: Spelled = { ...parts, triangle: causalTriangle(b, sizes.context), ...rotations(b, sizes, ids) };
  return (x, name) => attention(spelled, x, name);
};

const attention = (parts: Spelled, x: string, name: string): string => {
  const { b, sizes } = parts;
  const { width, heads, kvHeads } = sizes;
  const dHead = headSize(sizes);
  const [q, k, v] = (['q', 'k', 'v'] as const).map(part => {
    const count = part === 'q' ? heads : kvHeads;
    const flat = linear(parts, x, `${name}.${part}_proj`, width, count * dHead);
    return b.node('Transpose', [splitHeads(b, flat, count, dHead)], [ints('perm', [0, 2, 1, 3])]);
  });
  const [queries, keys] = [rotated(parts, q), repeated(parts, rotated(parts, k))];
  const products = b.node('MatMul', [queries, b.node('Transpose', [keys], [ints('perm', [0, 1, 3, 2])])]);
  const scaled = b.node('Mul', [products, constantNumber(b, 1 / Math.sqrt(dHead))]);
  const pattern = b.node('Softmax', [masked(b, parts.triangle, scaled, queries)], [int('axis', -1)]);
  const mixed = b.node('MatMul', [pattern, repeated(parts, v)]);
  const z = b.node('Transpose', [mixed], [ints('perm', [0, 2, 1, 3])]);
  return linear(
    parts,
    b.node('Reshape', [z, shape(b, [size(b, z, 0), size(b, z, 1), width])]),
    `${name}.o_proj`,
    width,
    width
  );
};

/** x · cos + rotate_half(x) · sin; [batch, head, pos, d_head]. */
const rotated = ({ b, sizes, cos, sin }: Spelled, x: string): string => {
  const half = headSize(sizes) / 2;
  const slice = (from: number, to: number): string => b.node('Slice', [x, b.ints([from]), b.ints([to]), b.ints([3])]);
  const turned = b.node('Concat', [b.node('Neg', [slice(half, 2 * half)]), slice(0, half)], [int('axis', -1)]);
  return b.node('Add', [b.node('Mul', [x, cos]), b.node('Mul', [turned, sin])]);
};

/** Keys and values for each query head: [batch, kv head, …] → [batch, head, …]. */
const repeated = ({ b, sizes }: Parts, x: string): string => {
  const { heads, kvHeads } = sizes;
  const [batch, length] = [size(b, x, 0), size(b, x, 2)];
  const group = shape(b, [batch, kvHeads, heads / kvHeads, length, headSize(sizes)]);
  const wide = b.node('Expand', [b.node('Unsqueeze', [x, b.ints([2])]), group]);
  return b.node('Reshape', [wide, shape(b, [batch, heads, length, headSize(sizes)])]);
};

const mlp = (parts: Parts, x: string, name: string): string => {
  const { b, sizes } = parts;
  const gate = linear(parts, x, `${name}.gate_proj`, sizes.width, sizes.mlp);
  const up = linear(parts, x, `${name}.up_proj`, sizes.width, sizes.mlp);
  const opened = b.node('Mul', [gate, b.node('Sigmoid', [gate])]);
  return linear(parts, b.node('Mul', [opened, up]), `${name}.down_proj`, sizes.mlp, sizes.width);
};
