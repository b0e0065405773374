import { TOLERANCES } from '../../src/anatomy/certificate/certify';
import type { Tensor } from '../../src/onnx/tensor';
import type { Model, Node, TensorProto } from '../../src/onnx/model';
import { precisionOf } from '../../src/anatomy/certificate/precision';
import { recognise } from '../../src/anatomy/recognise';
import { capture, judged } from './certificate';
import { openModel } from './fixtures';

const FLOAT = 1;
const UINT8 = 2;
const FLOAT16 = 10;
const BFLOAT16 = 16;

const tensor = (name: string, dataType: number): TensorProto => ({
  name,
  dims: [2],
  dataType,
  data: { kind: 'raw', bytes: new Uint8Array(8) },
  unknown: new Uint8Array(0)
});

const node = (opType: string, inputs: readonly string[], output: string, to?: number): Node =>
  ({
    name: output,
    opType,
    domain: '',
    inputs,
    outputs: [output],
    attributes: to === undefined ? [] : [{ name: 'to', type: 2, i: BigInt(to), unknown: new Uint8Array(0) }],
    unknown: new Uint8Array(0)
  }) as unknown as Node;

const withHalf = (model: Model): Model => ({
  ...model,
  graph: { ...model.graph, initializers: [...model.graph.initializers, { ...tensor('unrelated', FLOAT16), dims: [4] }] }
});

/** One element of a hook off by a part of its largest. */
const nudged = ({ dims, type, data }: Tensor, part: number): Tensor => {
  const copy = (data as Float32Array).slice();
  copy[0] += part * copy.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { dims, type, data: copy };
};

describe('a float32 file with one unrelated float16 constant', () => {
  const { model, weights } = openModel('gpt2', 'optimum');
  const half = withHalf(model);

  test('is judged as float32', async () => {
    const anatomy = recognise(half, weights);
    const { certificate } = judged(half, weights, anatomy, await capture(half, weights, anatomy));
    const tolerances = new Set(certificate.identities.map(({ tolerance }) => tolerance));
    expect([...tolerances].sort()).toEqual(Object.values(TOLERANCES.float32).sort());
  });

  test.each([
    'blocks.0.hook_resid_mid',
    'blocks.1.attn.hook_q',
    'blocks.1.mlp.hook_post',
    'blocks.0.attn.hook_pattern'
  ])('an error of a thousandth in %s is found', async name => {
    const anatomy = recognise(half, weights);
    const captured = await capture(half, weights, anatomy);
    const hooks = new Map([...captured.hooks, [name, nudged(captured.hooks.get(name)!, 1e-3)] as const]);
    const { anatomy: after } = judged(half, weights, anatomy, { ...captured, hooks });
    expect(after.hooks.find(hook => hook.name === name)).toMatchObject({ status: 'unavailable' });
  });
});

describe('what a tensor was rounded to', () => {
  const [base] = [openModel('gpt2', 'optimum').model];
  const of = (nodes: readonly Node[], initializers: readonly TensorProto[]): ReturnType<typeof precisionOf> =>
    precisionOf({ ...base, graph: { ...base.graph, nodes, initializers, inputs: [], outputs: [] } });

  test.each([
    ['a float16 weight that is multiplied', [node('MatMul', ['x', 'w'], 'y')], 'w', 'float16'],
    ['the product of it', [node('MatMul', ['x', 'w'], 'y')], 'y', 'float16'],
    ['a float16 weight that is cast to float32 first', [node('Cast', ['w'], 'c', FLOAT)], 'w', 'float32'],
    ['what comes out of that cast', [node('Cast', ['w'], 'c', FLOAT)], 'c', 'float32'],
    [
      'a softmax in float16 between casts',
      [node('Cast', ['x', ''], 'h', FLOAT16), node('Softmax', ['h'], 's'), node('Cast', ['s'], 'p', FLOAT)],
      'p',
      'float16'
    ],
    [
      'a weight dequantised in float16, then cast',
      [node('DequantizeLinear', ['b', 'w'], 'd'), node('Cast', ['d'], 'c', FLOAT)],
      'c',
      'float16'
    ],
    ['blocks of few bits with float16 scales', [node('MatMulNBits', ['x', 'b', 'w'], 'y')], 'b', 'float16'],
    ['blocks of few bits with float32 scales', [node('MatMulNBits', ['x', 'b', 'f'], 'y')], 'b', 'float32'],
    ['a bfloat16 weight that is multiplied', [node('MatMul', ['x', 'g'], 'y')], 'g', 'bfloat16'],
    ['a float32 weight', [node('MatMul', ['x', 'f'], 'y')], 'f', 'float32']
  ] as const)('%s', (_, nodes, name, wanted) => {
    const stored = [tensor('w', FLOAT16), tensor('f', FLOAT), tensor('g', BFLOAT16), tensor('b', UINT8)];
    expect(of(nodes, stored)(name)).toBe(wanted);
  });

  test('bfloat16 has three bits less than float16: eight times its tolerance', () => {
    for (const [name, tolerance] of Object.entries(TOLERANCES.float16)) {
      expect(TOLERANCES.bfloat16[name as keyof typeof TOLERANCES.bfloat16]).toBeCloseTo(8 * tolerance, 12);
    }
  });
});

test('a weight that cannot be read in one block leaves the hooks of the others verified', async () => {
  const { model, weights } = openModel('gpt2', 'optimum');
  const anatomy = recognise(model, weights);
  const [tower] = anatomy.towers;
  const blocks = tower.blocks.map((block, layer) => {
    const { weight: _, ...o } = block.attention.o;
    return layer === 0 ? { ...block, attention: { ...block.attention, o } } : block;
  });
  const hidden = { ...anatomy, towers: [{ ...tower, blocks }] };
  const { certificate, anatomy: after } = judged(model, weights, hidden, await capture(model, weights, hidden));
  const identity = certificate.identities.find(({ name }) => name === 'z-reproduces-attn-out');
  expect(identity).toMatchObject({ holds: false, why: 'blocks.0: its weight is not stored as plain numbers' });
  const of = (name: string) => after.hooks.find(hook => hook.name === name)?.status;
  expect(['blocks.0.attn.hook_z', 'blocks.0.hook_attn_out'].map(of)).toEqual(['unverified', 'unverified']);
  expect(['blocks.1.attn.hook_z', 'blocks.1.hook_attn_out'].map(of)).toEqual(['verified', 'verified']);
  expect(after.hooks.filter(({ status }) => status !== 'verified')).toHaveLength(2);
});
