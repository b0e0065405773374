import { float, int, ints } from '../src/graph/attributes';
import { createBuilder, makeModel, valueInfo, type Builder } from '../src/graph/build';
import { joinBytes } from '../src/onnx/join-bytes';
import { writeModel } from '../src/onnx/write-model';
import { causalTriangle, constantNumber, masked, scalar, shape, size, splitHeads } from './graph-parts';
import { createStore, type Store } from './weight-store';

export interface Sizes {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly vocabulary: number;
  readonly context: number;
}

export const GPT2_SMALL: Sizes = { layers: 12, width: 768, heads: 12, vocabulary: 50257, context: 1024 };

/**
 * A GPT-2 of these sizes as two files, with the operators that optimum's TorchScript export emits (shape arithmetic,
 * flattened Gemm, packed c_attn, mask by Where, tanh-GELU spelled out, an unembedding of its own), opset 17.
 * Weights are uniform with GPT-2's standard deviation 0.02, from a fixed seed.
 */
export const gpt2Files = (
  sizes: Sizes,
  form: 'exported' | 'fused' = 'exported'
): { readonly model: Uint8Array; readonly weights: Uint8Array } => {
  const store = createStore(numbersOf(sizes));
  const b = createBuilder();
  const ids = b.input('input_ids', 'int64', ['batch', 'sequence']);
  const model: Parts = { b, sizes, store, triangle: causalTriangle(b, sizes.context) };
  let stream = embed(model, ids);
  for (let layer = 0; layer < sizes.layers; layer++) {
    const name = `transformer.h.${layer}`;
    const attend = form === 'fused' ? fusedAttention : attention;
    const middle = b.node('Add', [attend(model, norm(model, stream, `${name}.ln_1`), `${name}.attn`), stream]);
    stream = b.node('Add', [middle, mlp(model, norm(model, middle, `${name}.ln_2`), `${name}.mlp`)]);
  }
  const unembedding = store.take(b, 'lm_head.weight', [sizes.width, sizes.vocabulary]);
  const logits = b.node('MatMul', [norm(model, stream, 'transformer.ln_f'), unembedding], [], { hint: 'logits' });
  b.output(valueInfo(logits, 'float32', ['batch', 'sequence', sizes.vocabulary]));
  const made = makeModel(b.graph('gpt2'), 17);
  const opsets = [...made.opsets, ...(form === 'fused' ? [{ domain: MICROSOFT, version: 1 }] : [])];
  return { model: joinBytes(writeModel({ ...made, opsets })), weights: store.bytes };
};

const MICROSOFT = 'com.microsoft';

interface Parts {
  readonly b: Builder;
  readonly sizes: Sizes;
  readonly store: Store;
  readonly triangle: string;
}

const embed = ({ b, sizes, store }: Parts, ids: string): string => {
  const tokens = b.node('Gather', [store.take(b, 'transformer.wte.weight', [sizes.vocabulary, sizes.width]), ids]);
  const range = b.node('Range', [scalar(b, 0), size(b, ids, 1), scalar(b, 1)]);
  const positions = b.node('Unsqueeze', [range, b.ints([0])]);
  const table = store.take(b, 'transformer.wpe.weight', [sizes.context, sizes.width]);
  return b.node('Add', [tokens, b.node('Gather', [table, positions])]);
};

const norm = ({ b, sizes, store }: Parts, x: string, name: string): string => {
  const scale = store.take(b, `${name}.weight`, [sizes.width], 1);
  const shift = store.take(b, `${name}.bias`, [sizes.width], 0);
  return b.node('LayerNormalization', [x, scale, shift], [int('axis', -1), float('epsilon', 1e-5)]);
};

const attention = (parts: Parts, x: string, name: string): string => {
  const { b, sizes } = parts;
  const { width, heads } = sizes;
  const packed = linear(parts, x, `${name}.c_attn`, width, 3 * width);
  const [q, k, v] = b.nodes('Split', [packed, b.ints([width, width, width])], 3, [int('axis', 2)]);
  const keys = splitHeads(b, k, heads, width / heads);
  const values = b.node('Transpose', [splitHeads(b, v, heads, width / heads)], [ints('perm', [0, 2, 1, 3])]);
  const queries = b.node('Transpose', [splitHeads(b, q, heads, width / heads)], [ints('perm', [0, 2, 1, 3])]);
  const products = b.node('MatMul', [queries, b.node('Transpose', [keys], [ints('perm', [0, 2, 3, 1])])]);
  const root = b.node('Pow', [b.node('Cast', [size(b, values, 3)], [int('to', 1)]), constantNumber(b, 0.5)]);
  const scores = masked(b, parts.triangle, b.node('Div', [products, root]), queries);
  const pattern = b.node('Softmax', [scores], [int('axis', -1)]);
  const z = b.node('Transpose', [b.node('MatMul', [pattern, values])], [ints('perm', [0, 2, 1, 3])]);
  const merged = b.node('Reshape', [z, shape(b, [size(b, z, 0), size(b, z, 1), width])]);
  return linear(parts, merged, `${name}.c_proj`, width, width);
};

/** The same by ONNX Runtime's operator, as its optimiser writes it. */
const fusedAttention = (parts: Parts, x: string, name: string): string => {
  const { b, sizes, store } = parts;
  const weight = store.take(b, `${name}.c_attn.weight`, [sizes.width, 3 * sizes.width]);
  const bias = store.take(b, `${name}.c_attn.bias`, [3 * sizes.width], 0);
  const z = b.node('Attention', [x, weight, bias], [int('num_heads', sizes.heads), int('unidirectional', 1)], {
    domain: MICROSOFT
  });
  return linear(parts, z, `${name}.c_proj`, sizes.width, sizes.width);
};

const mlp = (parts: Parts, x: string, name: string): string => {
  const { b, sizes } = parts;
  const pre = linear(parts, x, `${name}.c_fc`, sizes.width, 4 * sizes.width);
  const cube = b.node('Mul', [b.node('Pow', [pre, constantNumber(b, 3)]), constantNumber(b, 0.044715)]);
  const inner = b.node('Mul', [b.node('Add', [pre, cube]), constantNumber(b, Math.sqrt(2 / Math.PI))]);
  const gate = b.node('Add', [b.node('Tanh', [inner]), constantNumber(b, 1)]);
  const post = b.node('Mul', [b.node('Mul', [pre, constantNumber(b, 0.5)]), gate]);
  return linear(parts, post, `${name}.c_proj`, 4 * sizes.width, sizes.width);
};

/** Conv1D of the original: Gemm on the rows flattened, with Reshapes on either side. */
const linear = ({ b, store }: Parts, x: string, name: string, from: number, to: number): string => {
  const [batch, length] = [size(b, x, 0), size(b, x, 1)];
  const flat = b.node('Reshape', [x, shape(b, [-1, size(b, x, 2)])]);
  const weight = store.take(b, `${name}.weight`, [from, to]);
  const bias = store.take(b, `${name}.bias`, [to], 0);
  const out = b.node('Gemm', [flat, weight, bias], [float('alpha', 1), float('beta', 1)]);
  return b.node('Reshape', [out, shape(b, [batch, length, to])]);
};

const numbersOf = ({ layers, width, vocabulary, context }: Sizes): number =>
  layers * (12 * width * width + 13 * width) + (2 * vocabulary + context + 2) * width;
