import { int } from '../../src/graph/attributes';
import { makeNode, valueInfo } from '../../src/graph/build';
import { makeTensor } from '../../src/onnx/make-tensor';
import type { Graph, Model, Node, TensorProto } from '../../src/onnx/model';
import type { Tensor } from '../../src/onnx/tensor';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import { memoryFiles, quiet } from './fixture-files';
import { bytesOf, deviation, expectOracle, idsOf, openFused, oracleOf, TOLERANCE } from './fused-files';

/** Llama whose GroupQueryAttention gets queries and keys that RotaryEmbedding turned. */
const NAME = 'llama-genai';
const { model, weights } = openFused(NAME);
const { facts, expected } = oracleOf(NAME);
const [HEADS, KV_HEADS, D_HEAD] = [facts.tower.heads, facts.tower.kvHeads, facts.tower.dHead].map(Number);
/** With rotation inside ONNX Runtime's kernel takes heads of 16 dims: in each half of them half of the file's, then zeros. */
const WIDE = 16;
const [HALF, WIDE_HALF] = [D_HEAD / 2, WIDE / 2];

interface Written {
  readonly positions?: boolean;
  readonly packed?: boolean;
}

interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly at: (row: number, column: number) => number;
}

const stored = (name: string): Matrix => {
  const { bytes, dims } = weights.get(name)!;
  const values = new Float32Array(bytes.slice().buffer);
  return { rows: dims[0], columns: dims[1], at: (row, column) => values[row * dims[1] + column] };
};

const widened = ({ rows, columns, at }: Matrix): Matrix => {
  const from = (row: number, column: number): number => {
    const [half, place] = [Math.floor(column / WIDE_HALF), column % WIDE_HALF];
    return place < HALF ? at(row, half * HALF + place) : 0;
  };
  return { rows, columns: (columns * WIDE) / D_HEAD, at: from };
};

const turned = ({ rows, columns, at }: Matrix): Matrix => ({ rows: columns, columns: rows, at: (i, j) => at(j, i) });

const beside = (parts: readonly Matrix[]): Matrix => {
  const columns = parts.flatMap(part => Array.from({ length: part.columns }, (_, i) => [part, i] as const));
  return { rows: parts[0].rows, columns: columns.length, at: (row, i) => columns[i][0].at(row, columns[i][1]) };
};

const tensorOf = (name: string, { rows, columns, at }: Matrix): TensorProto =>
  makeTensor(name, {
    dims: [rows, columns],
    type: 'float32',
    data: Float32Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns))
  });

/** The layers of one attention: queries, keys, values, output. */
const layersOf = ({ nodes }: Graph, attention: Node): readonly Node[] => {
  const made = (tensor: string): Node => nodes.find(({ outputs }) => outputs.includes(tensor))!;
  const [q, k, v] = attention.inputs.slice(0, 3).map(made);
  const out = nodes.find(({ inputs }) => inputs[0] === attention.outputs[0])!;
  return [made(q.inputs[0]), made(k.inputs[0]), v, out];
};

/** Of angles: a half of a head each. */
const TABLES = ['cos_cache', 'sin_cache'];

/** The same function with rotation inside of the operator, as ONNX Runtime GenAI writes it. */
const inside = ({ graph, ...rest }: Model, { positions, packed }: Written): Model => {
  const initializers: TensorProto[] = [];
  const dropped = new Set<Node>();
  const attentions = graph.nodes.filter(({ opType }) => opType === 'GroupQueryAttention');
  const written = new Map(
    attentions.map(node => {
      const [q, k, v, out] = layersOf(graph, node);
      const matrices = [q, k, v].map(({ inputs }) => widened(stored(inputs[1])));
      const layers = packed
        ? [{ ...makeNode('MatMul', [q.inputs[0], `${q.inputs[1]}.all`], [`${q.outputs[0]}.all`]) }]
        : [q, k, v].map(layer => ({ ...layer, inputs: [layer.inputs[0], `${layer.inputs[1]}.wide`] }));
      const held = packed ? [beside(matrices)] : matrices;
      layers.forEach(({ inputs }, i) => initializers.push(tensorOf(inputs[1], held[i])));
      initializers.push(tensorOf(`${out.inputs[1]}.wide`, turned(widened(turned(stored(out.inputs[1]))))));
      [q, k, v].forEach(layer => dropped.add(layer));
      const rows = layers.map(({ outputs }) => outputs[0]);
      const inputs = [
        ...rows,
        ...(packed ? ['', ''] : []),
        ...node.inputs.slice(3, 7),
        ...TABLES.map(name => `${name}.wide`)
      ];
      const attributes = [...node.attributes.filter(({ name }) => name !== 'do_rotary'), int('do_rotary', 1)];
      const attention = { ...node, inputs: [...inputs, ...(positions ? ['position_ids'] : [])], attributes };
      return [node, [...layers, attention]] as const;
    })
  );
  TABLES.forEach(name => initializers.push(tensorOf(`${name}.wide`, widened(stored(name)))));
  const outs = new Set(attentions.map(node => layersOf(graph, node)[3]));
  const nodes = graph.nodes
    .filter(node => node.opType !== 'RotaryEmbedding' && !dropped.has(node))
    .flatMap(
      node =>
        written.get(node) ?? [outs.has(node) ? { ...node, inputs: [node.inputs[0], `${node.inputs[1]}.wide`] } : node]
    );
  const cached = /^(past_key_values|present)\./;
  const sized = (infos: Graph['inputs'], past: string): Graph['inputs'] =>
    infos.map(info =>
      cached.test(info.name) ? valueInfo(info.name, 'float32', ['batch', KV_HEADS, past, WIDE]) : info
    );
  return {
    ...rest,
    graph: {
      ...graph,
      nodes,
      initializers: [...graph.initializers, ...initializers],
      inputs: sized(graph.inputs, 'past').filter(({ name }) => positions || name !== 'position_ids'),
      outputs: sized(graph.outputs, 'total')
    }
  };
};

/** Hooks that do not have the dims of heads. */
const hooks = facts.hooks.filter(hook => !/hook_(rot_)?[qkvz]$/.test(hook));

const FORMS: readonly [string, Written][] = [
  ['positions counted', {}],
  ['positions given', { positions: true }],
  ['queries, keys and values in one tensor', { packed: true }],
  ['queries, keys and values in one tensor, positions given', { packed: true, positions: true }]
];

test.each(FORMS)('rotation inside, %s: every hook is verified and has the oracle’s values', async (_, written) => {
  expect(hooks.length).toBeGreaterThan(10);
  expect(HEADS).toBeGreaterThan(KV_HEADS);
  const tower = { ...facts.tower, dHead: WIDE };
  await expectOracle(bytesOf(inside(model, written), weights), { facts: { ...facts, hooks, tower }, expected });
});

/** Of the last position: [batch, pos, d_model], or [batch, head, query, key]. */
const lastOf = (tensor: Tensor): Tensor => {
  const axis = tensor.dims.length - 2;
  const [length, width] = tensor.dims.slice(axis);
  const data = (tensor.data as Float32Array).filter((_, i) => Math.floor(i / width) % length === length - 1);
  return { ...tensor, dims: tensor.dims.map((size, i) => (i === axis ? 1 : size)), data };
};

const int64s = (dims: readonly number[], values: readonly number[]): Tensor => ({
  dims,
  type: 'int64',
  data: BigInt64Array.from(values, BigInt)
});

test.each(FORMS)('rotation inside, %s: the last token behind the keys and values of the others', async (_, written) => {
  const bytes = bytesOf(inside(model, written), weights);
  const subject = await openModel(memoryFiles('fused', { 'model.onnx': bytes }), createNodeRuntime(), quiet);
  const ids = idsOf(expected.get('ids')!);
  const length = ids[0].length;
  const presents = graphOutputs(model);
  const first = await subject.forward({ ids: ids.map(row => row.slice(0, -1)), hooks: [], outputs: presents }, quiet);
  const past = presents.map(name => [name.replace('present', 'past_key_values'), first.get(name)] as const);
  const rows = ids.length;
  const feeds = {
    ...Object.fromEntries(past),
    attention_mask: int64s([rows, length], Array<number>(rows * length).fill(1)),
    ...(written.positions && { position_ids: int64s([rows, 1], Array<number>(rows).fill(length - 1)) })
  };
  const shown = hooks.filter(hook => /resid_(pre|mid|post)$|hook_pattern$/.test(hook));
  const cache = await subject.forward({ ids: ids.map(row => row.slice(-1)), hooks: shown, feeds }, quiet);
  expect(shown.length).toBeGreaterThan(4);
  for (const hook of shown) {
    expect({ hook, within: deviation(cache.get(hook), lastOf(expected.get(hook)!)) <= TOLERANCE }).toEqual({
      hook,
      within: true
    });
  }
  await subject.close();
});

const graphOutputs = ({ graph }: Model): readonly string[] =>
  graph.outputs.map(({ name }) => name).filter(name => name.startsWith('present'));
