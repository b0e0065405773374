import type { Random } from '../../src/maths/random';
import type { Graph, LocalFunction, Model, Node, TensorProto } from '../../src/onnx/model';

type Change = (model: Model, stream: Random) => Model;

const pick = <T>(list: readonly T[], stream: Random): T | undefined => list[stream.below(Math.max(1, list.length))];

const inGraph = (model: Model, change: (graph: Graph) => Partial<Graph>): Model => ({
  ...model,
  graph: { ...model.graph, ...change(model.graph) }
});

const replaced = <T>(list: readonly T[], old: T | undefined, by: (item: T) => T): readonly T[] =>
  list.map(item => (item === old ? by(item) : item));

const NOTHING = new Uint8Array(0);

const node = (
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  rest: Partial<Node> = {}
): Node => ({
  name: '',
  opType,
  domain: '',
  inputs,
  outputs,
  attributes: [],
  metadata: [],
  unknown: NOTHING,
  ...rest
});

const graphOf = (nodes: readonly Node[], outputs: readonly string[] = []): Graph => ({
  name: 'body',
  nodes,
  initializers: [],
  inputs: [],
  outputs: outputs.map(name => ({ name, unknown: NOTHING })),
  valueInfos: [],
  metadata: [],
  unknown: NOTHING
});

const branch = (name: string, g: Graph): Node['attributes'][number] => ({ name, type: 5, g, unknown: NOTHING });

/** An If of an If of an If; nothing is read from outside. */
const nested = (depth: number): Graph =>
  graphOf(
    depth === 0
      ? [node('Softmax', ['x'], ['y'])]
      : [node('If', ['c'], ['y'], { attributes: [branch('then_branch', nested(depth - 1))] })],
    ['y']
  );

const func = (name: string, nodes: readonly Node[]): LocalFunction => ({
  name,
  domain: 'bomb',
  inputs: ['x'],
  outputs: ['y'],
  attributeNames: [],
  attributeDefaults: [],
  nodes,
  opsets: [],
  unknown: NOTHING
});

const call = (name: string, from: string, to: string): Node => node(name, [from], [to], { domain: 'bomb' });

const STRANGE_SIZES = [0, -1, 2 ** 31, 2 ** 40, 2 ** 53, 1e9, 7];

/** Names that every object has. */
const OF_OBJECTS = ['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty'];

const LOCATIONS = [
  '../x',
  '/etc/passwd',
  'a/../../x',
  'C:\\x',
  'https://e.org/x',
  '',
  './',
  'a\u0000b',
  '..',
  'x'.repeat(5000)
];

/** Changes that a bit flip never finds: names, edges, sizes and bodies that are well formed and wrong. */
export const STRUCTURES: Readonly<Record<string, Change>> = {
  'a cycle': (model, stream) =>
    inGraph(model, ({ nodes }) => {
      const [from, to] = [pick(nodes, stream), pick(nodes, stream)];
      return {
        nodes: replaced(nodes, from, one => ({ ...one, inputs: [...one.inputs.slice(1), to?.outputs[0] ?? ''] }))
      };
    }),
  'a node that reads itself': (model, stream) =>
    inGraph(model, ({ nodes }) => ({
      nodes: replaced(nodes, pick(nodes, stream), one => ({
        ...one,
        inputs: one.inputs.map(() => one.outputs[0] ?? '')
      }))
    })),
  'edges exchanged': (model, stream) =>
    inGraph(model, ({ nodes }) => {
      const other = pick(nodes, stream)?.inputs ?? [];
      return { nodes: replaced(nodes, pick(nodes, stream), one => ({ ...one, inputs: other })) };
    }),
  'two nodes of one output': (model, stream) =>
    inGraph(model, ({ nodes }) => {
      const other = pick(nodes, stream)?.outputs ?? [];
      return { nodes: replaced(nodes, pick(nodes, stream), one => ({ ...one, outputs: other })) };
    }),
  'two initialisers of one name': (model, stream) =>
    inGraph(model, ({ initializers }) => {
      const name = pick(initializers, stream)?.name ?? '';
      return { initializers: replaced(initializers, pick(initializers, stream), one => ({ ...one, name })) };
    }),
  'names with control characters': (model, stream) =>
    inGraph(model, ({ nodes, initializers }) => {
      const hostile = `a\u001b[31m\n${'\u202e'.repeat(stream.below(300))}`;
      const tensor = pick(initializers, stream);
      return {
        initializers: replaced(initializers, tensor, one => ({ ...one, name: hostile })),
        nodes: replaced(nodes, pick(nodes, stream), one => ({
          ...one,
          name: hostile,
          opType: stream.below(2) ? one.opType : hostile
        }))
      };
    }),
  'a name that every object has': (model, stream) =>
    inGraph(model, ({ nodes, inputs, outputs }) => {
      const old = pick([...inputs, ...outputs], stream)?.name;
      const other = pick(OF_OBJECTS, stream)!;
      const name = (from: string): string => (from === old ? other : from);
      return {
        inputs: inputs.map(one => ({ ...one, name: name(one.name) })),
        outputs: outputs.map(one => ({ ...one, name: name(one.name) })),
        nodes: nodes.map(one => ({ ...one, inputs: one.inputs.map(name), outputs: one.outputs.map(name) }))
      };
    }),
  'absurd sizes of a weight': (model, stream) =>
    inGraph(model, ({ initializers }) => ({
      initializers: replaced(initializers, pick(initializers, stream), one => ({
        ...one,
        dims: Array.from({ length: stream.below(6) }, () => pick(STRANGE_SIZES, stream)!)
      }))
    })),
  'absurd sizes of an input': (model, stream) =>
    inGraph(model, ({ inputs }) => ({
      inputs: replaced(inputs, pick(inputs, stream), one => ({
        ...one,
        type: {
          elementType: stream.below(30),
          shape: Array.from({ length: stream.below(9) }, () => pick(STRANGE_SIZES, stream)!)
        }
      }))
    })),
  'a weight without numbers': (model, stream) =>
    inGraph(model, ({ initializers }) => ({
      initializers: replaced(initializers, pick(initializers, stream), one => ({
        ...one,
        dataType: stream.below(30),
        data: pick<TensorProto['data']>(
          [
            { kind: 'float', values: [] },
            { kind: 'raw', bytes: NOTHING },
            { kind: 'int64', values: [1n, 2] }
          ],
          stream
        )!
      }))
    })),
  'weights that are no numbers': (model, stream) =>
    inGraph(model, ({ initializers }) => ({
      initializers: replaced(initializers, pick(initializers, stream), one =>
        one.data.kind === 'raw' ? { ...one, data: { kind: 'raw', bytes: one.data.bytes.slice().fill(0xff) } } : one
      )
    })),
  'an attribute out of range': (model, stream) =>
    inGraph(model, ({ nodes }) => {
      const some = nodes.filter(({ attributes }) =>
        attributes.some(({ i, ints }) => i !== undefined || ints !== undefined)
      );
      const value = pick([-1, 0, 2 ** 31, -(2 ** 31), 2 ** 53, 10n ** 18n, 97], stream)!;
      return {
        nodes: replaced(nodes, pick(some, stream), one => ({
          ...one,
          attributes: one.attributes.map(attribute => ({
            ...attribute,
            ...(attribute.i !== undefined && { i: value }),
            ...(attribute.ints && { ints: attribute.ints.map(old => (stream.below(2) ? value : old)) })
          }))
        }))
      };
    }),
  'a reshape to absurd sizes': (model, stream) =>
    inGraph(model, ({ nodes, initializers }) => {
      const target = pick(
        nodes.filter(({ opType }) => ['Reshape', 'Expand', 'Tile', 'ConstantOfShape', 'Slice'].includes(opType)),
        stream
      );
      const sizes = Array.from({ length: 1 + stream.below(5) }, () => pick(STRANGE_SIZES, stream)!);
      const shape: TensorProto = {
        name: 'absurd',
        dims: [sizes.length],
        dataType: 7,
        data: { kind: 'int64', values: sizes },
        unknown: NOTHING
      };
      return {
        initializers: [...initializers, shape],
        nodes: replaced(nodes, target, one => ({
          ...one,
          inputs: [one.inputs[0] ?? '', 'absurd', ...one.inputs.slice(2)]
        }))
      };
    }),
  'another operator': (model, stream) =>
    inGraph(model, ({ nodes }) => {
      const opType = pick(nodes, stream)?.opType ?? '';
      return { nodes: replaced(nodes, pick(nodes, stream), one => ({ ...one, opType })) };
    }),
  'inputs left out': (model, stream) =>
    inGraph(model, ({ nodes }) => ({
      nodes: replaced(nodes, pick(nodes, stream), one => ({
        ...one,
        inputs: one.inputs.slice(0, stream.below(one.inputs.length + 1)),
        outputs: stream.below(4) ? one.outputs : []
      }))
    })),
  'a bomb of sub-graphs': (model, stream) =>
    inGraph(model, ({ nodes }) => ({
      nodes: [
        ...nodes,
        ...Array.from({ length: 1 + stream.below(40) }, (_, at) =>
          node('If', ['c'], [`bomb${at}`], { attributes: [branch('then_branch', nested(stream.below(30)))] })
        )
      ]
    })),
  'functions that call themselves': (model, stream) => {
    const other = stream.below(2) ? 'a' : 'b';
    const functions = [func('a', [call('b', 'x', 'y')]), func('b', [call(other, 'x', 'y')])];
    return { ...inGraph(model, ({ nodes }) => ({ nodes: [...nodes, call('a', 'x', 'end')] })), functions };
  },
  'functions that double': (model, stream) => {
    const depth = 2 + stream.below(30);
    const functions = Array.from({ length: depth }, (_, at) =>
      func(
        `f${at}`,
        at + 1 < depth ? [call(`f${at + 1}`, 'x', 'm'), call(`f${at + 1}`, 'm', 'y')] : [node('Identity', ['x'], ['y'])]
      )
    );
    const start = model.graph.inputs[0]?.name ?? '';
    return { ...inGraph(model, ({ nodes }) => ({ nodes: [...nodes, call('f0', start, 'end')] })), functions };
  },
  'a long chain': (model, stream) =>
    inGraph(model, ({ nodes }) => {
      const end = pick(nodes, stream);
      const length = 1 + stream.below(3000);
      const op = pick(['Identity', 'Cast', 'Add', 'Transpose', 'Reshape'], stream)!;
      const from = end?.inputs[0] ?? '';
      const chain = Array.from({ length }, (_, at) =>
        node(op, [at === 0 ? from : `chain${at - 1}`, ...(op === 'Add' ? [from] : [])], [`chain${at}`])
      );
      const inputs = (one: Node): readonly string[] => [`chain${length - 1}`, ...one.inputs.slice(1)];
      return { nodes: [...chain, ...replaced(nodes, end, one => ({ ...one, inputs: inputs(one) }))] };
    }),
  'data in another file': (model, stream) =>
    inGraph(model, ({ initializers }) => ({
      initializers: replaced(initializers, pick(initializers, stream), one => ({
        ...one,
        data: {
          kind: 'external',
          entries: [
            { key: 'location', value: pick(LOCATIONS, stream)! },
            { key: 'offset', value: pick(['0', '-1', '1e9', '99999999999999999999', 'x'], stream)! },
            { key: 'length', value: pick(['4', '-4', '18446744073709551615', ''], stream)! }
          ]
        }
      }))
    }))
};
