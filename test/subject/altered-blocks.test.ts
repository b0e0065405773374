import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { joinBytes } from '../../src/onnx/join-bytes';
import { int64Vector, makeTensor } from '../../src/onnx/make-tensor';
import type { Model, Node } from '../../src/onnx/model';
import { readModel } from '../../src/onnx/read-model';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { memoryFiles, quiet } from './fixture-files';

const BYTES = gunzipSync(readFileSync(join(__dirname, '../fixtures/matrix/llama/dynamo.onnx.gz')));
const LLAMA = readModel(BYTES, 'llama');

const open = (model: Model): Promise<Subject> =>
  openModel(memoryFiles('llama', { 'model.onnx': joinBytes(writeModel(model)) }), createNodeRuntime(), quiet);

/** A node put behind a tensor, which all that read the tensor read from then on. */
const behind = (model: Model, tensor: string, opType: string, width: number): Model => {
  const [weight, output] = [`${tensor}.weight`, `${tensor}.changed`];
  const values = Float32Array.from({ length: width }, (_, i) => 0.8 + 0.3 * Math.sin(3 * i));
  const node: Node = {
    ...model.graph.nodes[0],
    name: `${tensor}.behind`,
    domain: '',
    opType,
    inputs: [tensor, weight],
    outputs: [output],
    attributes: []
  };
  const nodes = model.graph.nodes.flatMap(one => {
    const reads = { ...one, inputs: one.inputs.map(input => (input === tensor ? output : input)) };
    return one.outputs.includes(tensor) ? [reads, node] : [reads];
  });
  const constant = makeTensor(weight, { dims: [width], type: 'float32', data: values });
  return { ...model, graph: { ...model.graph, nodes, initializers: [...model.graph.initializers, constant] } };
};

/** With other nodes, those left out that nothing reads any more. */
const withNodes = (model: Model, all: readonly Node[]): Model => {
  const read = new Set(model.graph.outputs.map(({ name }) => name));
  const nodes = [...all].reverse().filter(({ inputs, outputs }) => {
    const kept = outputs.some(output => read.has(output));
    (kept ? inputs : []).forEach(input => read.add(input));
    return kept;
  });
  return { ...model, graph: { ...model.graph, nodes: nodes.reverse() } };
};

/** The stream goes past an attention. */
const without = (model: Model, sum: string, stream: string): Model =>
  withNodes(
    model,
    model.graph.nodes.map(node =>
      node.outputs[0] === sum ? { ...node, opType: 'Identity', inputs: [stream], attributes: [] } : node
    )
  );

/** Key heads are repeated before their rotation, not behind it; `keys` is [batch, pos, kv head, d_head] before, `rotated` behind it. */
const repeatedFirst = (
  model: Model,
  keys: string,
  rotated: string,
  [kvHeads, heads]: readonly [number, number]
): Model => {
  const { nodes, initializers } = model.graph;
  const reads = (tensor: string): Node => nodes.find(({ inputs }) => inputs.includes(tensor))!;
  const own = nodes.find(({ outputs }) => outputs.includes(keys))!;
  const copies = reads(reads(reads(rotated).outputs[0]).outputs[0]);
  const sizes: Readonly<Record<string, readonly number[]>> = {
    parted: [0, 0, kvHeads, 1, -1],
    copied: [1, 1, 1, heads / kvHeads, 1],
    joined: [0, 0, heads, -1]
  };
  const step = (opType: string, from: string, size: string, to: string): Node => ({
    ...own,
    name: to,
    opType,
    inputs: [from, `${keys}.${size}`],
    outputs: [to],
    attributes: []
  });
  const made = [
    step('Reshape', own.inputs[0], 'parted', `${keys}.five`),
    step('Expand', `${keys}.five`, 'copied', `${keys}.copies`),
    step('Reshape', `${keys}.copies`, 'joined', keys)
  ];
  const changed = nodes.flatMap(node =>
    node === own
      ? made
      : node === copies
        ? [{ ...node, opType: 'Identity', inputs: [rotated], attributes: [] }]
        : [node]
  );
  const constants = Object.entries(sizes).map(([name, values]) => int64Vector(`${keys}.${name}`, values));
  return withNodes({ ...model, graph: { ...model.graph, initializers: [...initializers, ...constants] } }, changed);
};

const NO_ATTENTION =
  'blocks without attention beside those that have it: layers could not be numbered as the model has them';

describe('blocks of Llama, altered', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(LLAMA);
  });
  afterAll(() => subject.close());

  const tensor = (hook: string): string => subject.anatomy.hooks.find(({ name }) => name === hook)!.source!.tensor;
  const unproven = ({ anatomy }: Subject): readonly string[] =>
    anatomy.hooks.flatMap(({ name, status, why }) => (status === 'verified' ? [] : [`${name}: ${why}`]));

  test.each([
    ['before the only attention', 0],
    ['behind it', 1]
  ])('a block without attention %s is refused', async (_, layer) => {
    const { residPre, residMid } = subject.tower.blocks[layer];
    await expect(open(without(LLAMA, residMid!, residPre))).rejects.toThrow(NO_ATTENTION);
  });

  test('a stream that is scaled between two blocks is refused', async () => {
    const { dModel, blocks } = subject.tower;
    await expect(open(behind(LLAMA, blocks[0].residPost, 'Mul', dModel))).rejects.toThrow(
      'a stream that is changed between two blocks by more than sums: layers could not be numbered as the model has them'
    );
  });

  test('queries and keys normalised behind their rotation (HunYuan): what is multiplied is hook_rot_q and hook_rot_k', async () => {
    const { dHead } = subject.tower;
    const rotated = [0, 1].flatMap(layer => ['q', 'k'].map(name => tensor(`blocks.${layer}.attn.hook_rot_${name}`)));
    const altered = await open(
      rotated.reduce((model, name) => behind(model, name, 'LayerNormalization', dHead), LLAMA)
    );
    expect(unproven(altered)).toEqual([]);
    expect(altered.tower.blocks[1].norms.map(({ role }) => role)).toEqual(['ln1', 'ln2', 'q_norm', 'k_norm']);
    const source = altered.anatomy.hooks.find(({ name }) => name === 'blocks.1.attn.hook_rot_k')!.source!;
    expect(source.tensor).toBe(`${rotated[3]}.changed`);
    await altered.close();
  });

  test('key heads repeated before their rotation (Falcon): each is shown once', async () => {
    const { heads, kvHeads } = subject.tower;
    const altered = await open(
      [0, 1].reduce(
        (model, layer) =>
          repeatedFirst(model, tensor(`blocks.${layer}.attn.hook_k`), tensor(`blocks.${layer}.attn.hook_rot_k`), [
            kvHeads,
            heads
          ]),
        LLAMA
      )
    );
    expect(unproven(altered)).toEqual([]);
    expect([altered.tower.heads, altered.tower.kvHeads]).toEqual([4, 2]);
    const request = { ids: [[5, 18, 31, 44, 57]], hooks: ['blocks.1.attn.hook_k', 'blocks.1.attn.hook_rot_k'] };
    const [before, after] = await Promise.all([subject, altered].map(one => one.forward(request, quiet)));
    for (const hook of request.hooks) {
      // The same operators on the same numbers, only in another order.
      expect(after.get(hook)).toEqual(before.get(hook));
    }
    await altered.close();
  });

  test('norms inside attention and MLP (BitNet): all is proven, W_O by head is not served', async () => {
    const { heads, dHead, dMlp, blocks } = subject.tower;
    const altered = await open(
      blocks.reduce(
        (model, { attention, mlp }) =>
          behind(
            behind(model, attention.o.input, 'LayerNormalization', heads * dHead),
            mlp!.out!.input,
            'LayerNormalization',
            dMlp!
          ),
        LLAMA
      )
    );
    expect(unproven(altered)).toEqual([]);
    expect(altered.tower.mlp).toBe('gated');
    expect(altered.tower.blocks[0].norms.map(({ role }) => role)).toEqual(['ln1', 'ln2', 'z_norm']);
    expect(altered.weights.names).not.toContain('W_O');
    expect(() => altered.weights.read('W_O')).toThrow(
      "weight missing: 'W_O' of 'llama', layer 0 normalises all heads together in front of it"
    );
    await altered.close();
  });
});
