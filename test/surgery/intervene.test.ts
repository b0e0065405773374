import { recognise } from '../../src/anatomy/recognise';
import type { HookStep } from '../../src/anatomy/anatomy';
import { createBuilder, makeModel, untyped } from '../../src/graph/build';
import { usesOf } from '../../src/graph/uses';
import type { Graph } from '../../src/onnx/model';
import type { Tensor } from '../../src/onnx/tensor';
import { weightStore } from '../../src/onnx/collect-weights';
import { applySteps } from '../../src/subject/tensor-view';
import { viewHook } from '../../src/surgery/hook-coordinates';
import { interventionPoint } from '../../src/surgery/intervention-point';
import { changedWith, intervene } from '../../src/surgery/intervene';
import { openModel } from '../anatomy/fixtures';
import { runOnce } from '../anatomy/run';

const SHAPE = [2, 3, 4, 5];
const x: Tensor = { dims: SHAPE, type: 'float32', data: Float32Array.from({ length: 120 }, (_, i) => i + 1) };

describe('a hook’s coordinates in the graph', () => {
  test.each<readonly [string, readonly HookStep[], (i: number) => boolean]>([
    ['nothing', [], () => true],
    ['transposed', [{ op: 'transpose', perm: [0, 2, 3, 1] }], () => true],
    ['merged', [{ op: 'reshape', shape: ['batch', 'pos', 20] }], () => true],
    ['a slice', [{ op: 'slice', axis: 3, start: 1, end: 3 }], i => i % 5 >= 1 && i % 5 < 3],
    ['copies', [{ op: 'every', axis: 2, step: 2 }], () => true],
    [
      'one after the other',
      [
        { op: 'slice', axis: 2, start: 2, end: 4 },
        { op: 'transpose', perm: [0, 2, 1, 3] },
        { op: 'reshape', shape: ['batch', -1] }
      ],
      i => Math.floor(i / 5) % 4 >= 2
    ]
  ])('%s: read as applySteps reads it, and put back changed', async (_, steps, within) => {
    const builder = createBuilder();
    builder.input('x', 'float32', SHAPE);
    const sizes = { batch: builder.ints([2]), pos: builder.ints([3]) };
    const view = viewHook(builder, 'x', steps, () => sizes);
    const read = builder.node('Identity', [view.tensor]);
    const back = builder.node('Identity', [view.back(builder.node('Neg', [view.tensor]))]);
    [read, back].forEach(name => builder.output(untyped(name)));
    const results = await runOnce(makeModel(builder.graph('g'), 17), weightStore(new Map()), { x });
    const wanted = applySteps(x, steps, { batch: 2, pos: 3 }, 'x');
    expect([results[read].dims, [...results[read].data]]).toEqual([wanted.dims, [...wanted.data]]);
    expect(results[back].dims).toEqual(SHAPE);
    // Copies of a head are what their first copy is.
    const copied = (i: number): number => (steps[0]?.op === 'every' ? i - (Math.floor(i / 5) % 2) * 5 : i);
    expect([...results[back].data]).toEqual(
      Array.from(x.data as Float32Array, (_value, i) => (within(i) ? -copied(i) - 1 : i + 1))
    );
  });
});

describe('where a hook cannot be replaced', () => {
  const { model, weights } = openModel('gpt2', 'dynamo');
  const anatomy = recognise(model, weights);
  const point = (graph: Graph, tensor: string, steps: readonly HookStep[] = []) => {
    const hook = { ...anatomy.hooks[0], name: 'h', source: { tensor, steps } };
    const outputs = new Set(graph.outputs.map(({ name }) => name));
    return () => interventionPoint({ ...anatomy, hooks: [hook] }, usesOf(graph), outputs, 'h');
  };
  const graphOf = (make: (builder: ReturnType<typeof createBuilder>) => void): Graph => {
    const builder = createBuilder();
    builder.input('x', 'float32', SHAPE);
    make(builder);
    return builder.graph('g');
  };

  test('a fused node has read it already', () => {
    const graph = graphOf(builder => {
      builder.nodes('SkipLayerNormalization', ['x', 'x', 'w'], 4, [], { hint: 'o', domain: 'com.microsoft' });
      builder.node('Add', ['o', 'o_3']);
    });
    expect(point(graph, 'o_3')).toThrow(
      "intervention refused: 'h', because 'o_3' is also read inside the fused node that makes it (SkipLayerNormalization 'o')"
    );
    expect(point(graph, 'o')).not.toThrow();
  });

  test('someone reads it under an earlier name', () => {
    const graph = graphOf(builder => {
      const sum = builder.node('Add', ['x', 'x'], [], { hint: 'sum' });
      const flat = builder.node('Reshape', [sum, builder.ints([-1, 5])], [], { hint: 'flat' });
      builder.node('Shape', [sum]);
      builder.node('Relu', [flat]);
      builder.node('Tanh', [sum], [], { hint: 'other' });
    });
    expect(point(graph, 'flat')).toThrow(
      "intervention refused: 'h', because its values are read before that point, by Tanh 'other' as 'sum'"
    );
    expect(point(graph, 'sum')).not.toThrow();
  });

  test('an input, a value that nobody reads, one copy for all rows', () => {
    const graph = graphOf(builder => {
      builder.node('Relu', [builder.node('Abs', ['x'], [], { hint: 'abs' })], [], { hint: 'relu' });
    });
    expect(point(graph, 'x')).toThrow("because 'x' is a weight or an input of the file, no value of a run");
    expect(point(graph, 'relu')).toThrow("because nothing reads 'relu'");
    expect(point(graph, 'abs', [{ op: 'expand', shape: ['batch', 'pos', 5] }])).toThrow(
      "because the file keeps one copy for all rows, which Relu 'relu' reads"
    );
  });
});

test('inputs for the values, three nodes and a name more', () => {
  const { model, weights } = openModel('gpt2', 'dynamo');
  const anatomy = recognise(model, weights);
  const made = intervene(model, anatomy, [{ hook: 'blocks.1.hook_resid_pre', stages: ['affine'] }]);
  expect(changedWith(anatomy, 'blocks.1.hook_resid_pre')).toEqual(['blocks.0.hook_resid_post']);
  expect(changedWith(anatomy, 'blocks.1.attn.hook_z')).toEqual([]);
  const named = (part: string): string => `blocks.1.hook_resid_pre.0.${part}`;
  expect(made.sites).toEqual([
    {
      hook: 'blocks.1.hook_resid_pre',
      stages: [
        {
          stage: 'affine',
          select: named('select'),
          value: named('value'),
          scale: named('scale'),
          shift: named('shift')
        }
      ]
    }
  ]);
  const { graph } = made.model;
  expect(graph.inputs).toHaveLength(model.graph.inputs.length + 4);
  expect(graph.nodes).toHaveLength(model.graph.nodes.length + 4);
  expect(graph.initializers).toEqual(model.graph.initializers);
});

test('other hooks of the run stand where one was, with nothing fed; what is made from it cannot', () => {
  const { model, weights } = openModel('gpt2', 'dynamo');
  const anatomy = recognise(model, weights);
  const wired = ['blocks.0.hook_attn_out', 'blocks.0.hook_mlp_out'];
  const made = intervene(model, anatomy, [{ hook: 'blocks.0.hook_resid_post', stages: [], wired }]);
  expect(made.sites).toEqual([{ hook: 'blocks.0.hook_resid_post', stages: [] }]);
  expect(made.model.graph.inputs).toEqual(model.graph.inputs);
  expect(() =>
    intervene(model, anatomy, [
      { hook: 'blocks.0.hook_resid_mid', stages: [], wired: ['blocks.0.hook_attn_out', 'blocks.1.hook_attn_out'] }
    ])
  ).toThrow(
    "intervention refused: 'blocks.0.hook_resid_mid' cannot be 'blocks.1.hook_attn_out', which is made from it"
  );
});
