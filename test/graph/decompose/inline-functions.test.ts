import { float, int } from '../../../src/graph/attributes';
import { makeModel, makeNode, valueInfo } from '../../../src/graph/build';
import { inlineFunctions } from '../../../src/graph/decompose/inline-functions';
import { weightStore } from '../../../src/onnx/collect-weights';
import type { Attribute, LocalFunction, Model, Node } from '../../../src/onnx/model';
import { createNodeRuntime } from '../../../src/runtime/node';
import { numbers } from './forms';

const NOTHING = new Uint8Array(0);
const NO_WEIGHTS = weightStore(new Map());
const runtime = createNodeRuntime();

/** An attribute that stands for one of the function's: field 21 of AttributeProto, ref_attr_name. */
const reference = (name: string, type: number, of: string): Attribute => ({
  name,
  type,
  unknown: Uint8Array.of(0xaa, 0x01, of.length, ...new TextEncoder().encode(of))
});

const call = (name: string, inputs: string[], outputs: string[], attributes: Attribute[] = []): Node => ({
  ...makeNode(name, inputs, outputs, attributes, 'local'),
  name: `call of ${name} ${outputs[0]}`
});

const define = (name: string, nodes: Node[], parts: Partial<LocalFunction> = {}): LocalFunction => ({
  name,
  domain: 'local',
  inputs: ['x'],
  outputs: ['y'],
  attributeNames: [],
  attributeDefaults: [],
  nodes,
  opsets: [{ domain: '', version: 17 }],
  unknown: NOTHING,
  ...parts
});

const modelOf = (nodes: Node[], functions: LocalFunction[], output = 'out'): Model => {
  const made = makeModel(
    {
      name: 'calls',
      nodes,
      initializers: [],
      inputs: [valueInfo('in', 'float32', [3])],
      outputs: [valueInfo(output, 'float32')],
      valueInfos: [],
      metadata: [],
      unknown: NOTHING
    },
    17
  );
  return { ...made, irVersion: 10, opsets: [...made.opsets, { domain: 'local', version: 1 }], functions };
};

const run = async (model: Model): Promise<unknown> => {
  const prepared = await runtime.prepare(model, NO_WEIGHTS);
  const results = await prepared.run({ in: numbers([3], -1, 0.5, 2) }, prepared.outputs);
  await prepared.release();
  return results;
};

const leaky = define('Leaky', [makeNode('LeakyRelu', ['x'], ['y'], [reference('alpha', 1, 'slope')])], {
  attributeDefaults: [float('slope', 0.5)]
});
const twice = define(
  'Twice',
  [call('Leaky', ['x'], ['inner'], [float('slope', 0.25)]), makeNode('Add', ['inner', 'inner'], ['y'])],
  {
    opsets: [
      { domain: '', version: 17 },
      { domain: 'local', version: 1 }
    ]
  }
);

const MODELS: Record<string, Model> = {
  'a default of an attribute': modelOf([call('Leaky', ['in'], ['out'])], [leaky]),
  'an attribute': modelOf([call('Leaky', ['in'], ['out'], [float('slope', 0.125)])], [leaky]),
  'a function in a function, called twice': modelOf(
    [call('Twice', ['in'], ['inner']), call('Twice', ['inner'], ['out'])],
    [leaky, twice]
  )
};

test.each(Object.entries(MODELS))('%s: equal results without the functions', async (_, model) => {
  const { model: flat, refused } = inlineFunctions(model);
  expect(refused).toEqual([]);
  expect(flat.functions).toEqual([]);
  expect(flat.graph.nodes.filter(({ domain }) => domain !== '')).toEqual([]);
  expect(await run(flat)).toEqual(await run(model));
});

test('an input that comes out as it is', async () => {
  const model = modelOf([call('Same', ['in'], ['out'])], [define('Same', [], { outputs: ['x'] })]);
  expect(inlineFunctions(model).model.graph.nodes).toEqual([makeNode('Identity', ['in'], ['out'])]);
});

test('a model that calls none is the same object', () => {
  const model = modelOf([makeNode('Relu', ['in'], ['out'])], [leaky]);
  expect(inlineFunctions(model).model).toBe(model);
});

test.each<[string, LocalFunction[], string]>([
  [
    'calls itself',
    [define('F', [call('F', ['x'], ['y'])])],
    "F 'call of F out/call of F y' is not taken apart: the function 'F' calls itself"
  ],
  [
    'is there twice',
    [define('F', []), define('F', [])],
    "F 'call of F out' is not taken apart: the file defines 'F' more than once"
  ],
  [
    'is of another opset',
    [define('F', [], { opsets: [{ domain: '', version: 12 }] })],
    "F 'call of F out' is not taken apart: it imports opset 12 of '', the model 17"
  ],
  [
    'holds a sub-graph',
    [
      define('F', [
        makeNode('If', ['x'], ['y'], [{ name: 'then_branch', type: 5, g: modelOf([], []).graph, unknown: NOTHING }])
      ])
    ],
    "F 'call of F out' is not taken apart: its If 'y' holds a sub-graph"
  ]
])('a function that %s stays', (_, functions, sentence) => {
  const { model, refused } = inlineFunctions(modelOf([call('F', ['in'], ['out'])], functions));
  expect(refused).toEqual([sentence]);
  expect(model.functions).toEqual(functions);
});

test('functions that nest deep are stopped', () => {
  const chain = Array.from({ length: 20_000 }, (_, i) => define(`F${i}`, [call(`F${i + 1}`, ['x'], ['y'])]));
  const model = modelOf([call('F0', ['in'], ['out'])], chain);
  expect(inlineFunctions(model).model).toBe(model);
});

test('functions that grow by powers of two are stopped', () => {
  const chain = Array.from({ length: 24 }, (_, i) =>
    define(`F${i}`, [
      i === 0 ? makeNode('Relu', ['x'], ['m'], [int('unused', 0)]) : call(`F${i - 1}`, ['x'], ['m']),
      i === 0 ? makeNode('Relu', ['m'], ['y']) : call(`F${i - 1}`, ['m'], ['y'])
    ])
  );
  const start = performance.now();
  const model = modelOf([call('F23', ['in'], ['out'])], chain);
  expect(inlineFunctions(model)).toEqual({
    model,
    refused: ['local functions are not inlined: they make more than 13073 nodes, or nest more than 32 deep']
  });
  expect(performance.now() - start).toBeLessThan(2000);
});
