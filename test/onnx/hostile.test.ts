import { decompose } from '../../src/graph/decompose/decompose';
import { topologicalOrder } from '../../src/graph/order';
import { collectWeights } from '../../src/onnx/collect-weights';
import { decodeTensor } from '../../src/onnx/decode-tensor';
import { externalLocations } from '../../src/onnx/external-data';
import { joinBytes } from '../../src/onnx/join-bytes';
import { graphTensors } from '../../src/onnx/map-tensors';
import { readModel } from '../../src/onnx/read-model';
import { writeModel } from '../../src/onnx/write-model';
import { FIXTURES, fixtureBytes } from './fixture';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const read =
  (bytes: Uint8Array | readonly number[], name = 'x.onnx') =>
  () =>
    readModel(Uint8Array.from(bytes), name);

/** A field: number, then its payload. */
const field = (number: number, payload: readonly number[] | number): number[] =>
  typeof payload === 'number'
    ? [...varint(number * 8), ...varint(payload)]
    : [...varint(number * 8 + 2), ...varint(payload.length), ...payload];

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];

const model = (graph: readonly number[]): number[] => [...field(1, 8), ...field(7, graph)];

describe('is not an ONNX file', () => {
  test.each<[string, Uint8Array]>([
    ['empty', new Uint8Array(0)],
    ['text', bytesOf('hello, this is a text file')],
    ['JSON', bytesOf('{"model_type": "gpt2"}')],
    ['a Git LFS pointer', bytesOf('version https://git-lfs.github.com/spec/v1\noid sha256:0')],
    ['HTML', bytesOf('<!doctype html><html></html>')],
    ['PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13)],
    ['ZIP', Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0)],
    ['safetensors', Uint8Array.of(88, 1, 0, 0, 0, 0, 0, 0, 0x7b, 0x22)],
    ['a line break', bytesOf('\n\n\n\n')],
    ['text that looks like a graph', bytesOf(': a colon, then text')],
    ['zeros', new Uint8Array(1000)],
    ['a model without a graph', Uint8Array.from(field(1, 8))],
    ['a model without an IR version', Uint8Array.from(field(7, []))]
  ])('%s', (_, bytes) => {
    expect(read(bytes)).toThrow(/^not an ONNX file: 'x\.onnx' /);
  });
});

describe('says file, field and offset', () => {
  test.each<[string, readonly number[], string]>([
    [
      'cut off',
      [...field(1, 8), 0x3a, 100, 1, 2],
      "'x.onnx' is cut off: field graph at offset 2 needs 100 bytes, 2 are left"
    ],
    [
      'a length beyond its message',
      model([0x0a, 9, 1]),
      "'x.onnx' is broken: field graph.node at offset 4 needs 9 bytes, its message has 1 left"
    ],
    [
      'a wrong wire type',
      model(field(1, 5)),
      "'x.onnx' is broken: field graph.node at offset 4 has wire type 0, not 2"
    ],
    [
      'a group',
      model([0x7b]),
      "'x.onnx' is broken: field graph.sparse_initializer at offset 4 has wire type 3, which ONNX does not use"
    ],
    ['field 0', model([0x02, 0]), "'x.onnx' is broken: field graph.? at offset 4 has the impossible tag 2"],
    [
      'two graphs',
      [...model([]), ...field(7, [])],
      "'x.onnx' is broken: field graph at offset 4 is a second 'graph', only one may be there"
    ],
    [
      'a negative dimension',
      model(field(5, [8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])),
      "'x.onnx' is broken: field graph.initializer at offset 4 holds tensor '' with the negative dimension -1"
    ],
    [
      'an endless varint',
      model([0x30, ...Array<number>(11).fill(0xff)]),
      "'x.onnx' is broken: field graph.#6 at offset 4 has a varint of more than 10 bytes"
    ],
    [
      'values in two places',
      model(field(5, [...field(9, [1]), ...field(7, [1])])),
      "'x.onnx' is broken: field graph.initializer at offset 4 holds tensor '' whose values stand in two places"
    ],
    [
      'two nodes of one output',
      model([...field(1, field(2, [...bytesOf('y')])), ...field(1, field(2, [...bytesOf('y')]))]),
      "'x.onnx' is broken: field graph.node at offset 9 makes tensor 'y' a second time in its graph"
    ],
    [
      'two initialisers of one name',
      model([...field(5, field(8, [...bytesOf('w')])), ...field(5, field(8, [...bytesOf('w')]))]),
      "'x.onnx' is broken: field graph.initializer at offset 9 holds tensor 'w' a second time in its graph"
    ],
    [
      'an input by a name that every object has',
      model(field(11, field(1, [...bytesOf('constructor')]))),
      "'x.onnx' is broken: field graph.input at offset 4 takes tensor 'constructor', a name that is not allowed"
    ],
    [
      'a node that makes a name that every object has',
      model(field(1, field(2, [...bytesOf('__proto__')]))),
      "'x.onnx' is broken: field graph.node at offset 4 makes tensor '__proto__', a name that is not allowed"
    ],
    [
      'packed floats of a broken length',
      model(field(5, field(4, [1, 2, 3]))),
      "'x.onnx' is broken: field graph.initializer.float_data at offset 6 has 3 packed bytes, not a multiple of 4"
    ]
  ])('%s', (_, bytes, message) => {
    expect(read(bytes)).toThrow(new Error(message));
  });

  test('sub-graphs more than 32 deep', () => {
    const nested = (depth: number): number[] => (depth === 0 ? [] : field(1, field(5, field(6, nested(depth - 1)))));
    expect(read(model(nested(31)))).not.toThrow();
    expect(read(model(nested(32)))).toThrow('is a graph nested more than 32 deep, which is the limit');
  });

  test.each([
    ['node', 0x0a, 100_000],
    ['tensor', 0x2a, 300_000],
    ['unknown field', 0x52, 1_000_000]
  ])('too many of a kind: %s', (kind, tag, limit) => {
    const many = (count: number) => {
      const graph = new Uint8Array(2 * count).map((_, i) => (i % 2 === 0 ? tag : 0));
      return joinBytes([Uint8Array.from([...field(1, 8), 0x3a, ...varint(graph.length)]), graph]);
    };
    expect(() => readModel(many(limit), 'x.onnx')).not.toThrow();
    expect(() => readModel(many(limit + 1), 'x.onnx')).toThrow(
      `is one of more than ${limit} ${kind}s, which is the limit`
    );
  });
});

test('a graph of more than 100,000 nodes with names, inputs and attributes is refused within two seconds of work', () => {
  const attribute = field(5, [...field(1, [...bytesOf('axis')]), 0x18, 1, 0xa0, 0x01, 2]);
  const texts = ['some/input/of/it', 'another', 'its/output', 'a/name/of/some/length', 'Concat'];
  const node = texts.flatMap((text, at) => field([1, 1, 2, 3, 4][at], [...bytesOf(text)]));
  const one = field(1, [...node, ...attribute]);
  const count = 100_001;
  const graph = new Uint8Array(one.length * count).map((_, i) => one[i % one.length]);
  const file = joinBytes([Uint8Array.from([...field(1, 8), 0x3a, ...varint(graph.length)]), graph]);
  const before = process.cpuUsage();
  expect(() => readModel(file, 'x.onnx')).toThrow('is one of more than 100000 nodes, which is the limit');
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(2);
});

describe('of a file that reads well, names the offset of the node or tensor that is wrong', () => {
  const node = (input: string, output: string, operator: string): number[] =>
    field(1, [
      ...field(1, [...bytesOf(input)]),
      ...field(2, [...bytesOf(output)]),
      ...field(4, [...bytesOf(operator)])
    ]);

  test('a cycle', () => {
    const { graph } = readModel(Uint8Array.from(model([...node('y', 'x', 'Abs'), ...node('x', 'y', 'Neg')])), 'x.onnx');
    expect(() => topologicalOrder(graph.nodes)).toThrow(
      new Error("the graph has a cycle: Abs 'x' at offset 4 → Neg 'y' at offset 17 → Abs 'x'")
    );
  });

  test('a fused operator of another type', () => {
    const ids = field(11, [...field(1, [...bytesOf('x')]), ...field(2, field(1, field(1, 7)))]);
    const domain = field(7, [...bytesOf('com.microsoft')]);
    const gelu = field(1, [
      ...field(1, [...bytesOf('x')]),
      ...field(2, [...bytesOf('y')]),
      ...field(4, [...bytesOf('FastGelu')]),
      ...domain
    ]);
    const file = [...model([...ids, ...gelu]), ...field(8, field(2, 17))];
    const { model: read, weights } = collectWeights(readModel(Uint8Array.from(file), 'x.onnx'), new Map());
    expect(() => decompose(read, weights)).toThrow(
      new Error("type wrong: FastGelu 'y' at offset 15 needs the number 0.044715, what it reads is int64")
    );
  });

  test('a tensor of values too many', () => {
    const tensor = field(5, [
      ...field(1, 1),
      ...field(2, 1),
      ...field(8, [...bytesOf('w')]),
      ...field(4, Array(8).fill(0))
    ]);
    const { graph } = readModel(Uint8Array.from(model(tensor)), 'x.onnx');
    expect(() => decodeTensor(graph.initializers[0])).toThrow(
      new Error("tensor 'w' at offset 4 [1] needs 1 values, the file holds 2")
    );
  });

  test('external data outside the folder', () => {
    const entry = field(13, [...field(1, [...bytesOf('location')]), ...field(2, [...bytesOf('../w')])]);
    const tensor = field(5, [
      ...field(1, 1),
      ...field(2, 1),
      ...field(8, [...bytesOf('w')]),
      ...entry,
      ...field(14, 1)
    ]);
    const read = readModel(Uint8Array.from(model(tensor)), 'x.onnx');
    expect(() => externalLocations(read)).toThrow(
      new Error("external data refused: initialiser 'w' at offset 4 names '../w', not a file in the model's folder")
    );
  });
});

test('a name from the file stands on one line of a message, cut', () => {
  const name = [...bytesOf(`<b>\n${'x'.repeat(5000)}`)];
  const tensor = field(5, [...field(1, 3), ...field(2, 1), ...field(8, name), ...field(9, [0])]);
  expect(read(model(tensor))).toThrow(
    /^'x\.onnx' is broken: field graph\.initializer at offset 5 holds tensor '<b>\ufffdx{116}…' of float32 \[3\] needs 12 bytes, the file holds 1$/
  );
});

describe('every prefix of a file is refused by a sentence of ours', () => {
  test.each(FIXTURES)('%s.onnx', name => {
    const bytes = fixtureBytes(`${name}.onnx`);
    for (let length = 0; length < Math.min(bytes.length, 600); length++) {
      const message = outcome(bytes.subarray(0, length));
      expect([length, message]).toEqual([length, expect.stringMatching(OURS) as unknown]);
    }
  });
});

const OURS =
  /^(ok|not an ONNX file: 'f'|'f' is (cut off|broken): field|(tensor|initialiser|external data|two initialisers))/;

/** 'ok', or the error's message; anything but an Error of our own comes out as its class. */
const outcome = (bytes: Uint8Array): string => {
  try {
    const read = readModel(bytes, 'f');
    externalLocations(read);
    joinBytes(writeModel(read));
    collectWeights(read, new Map([['external.bin', new Uint8Array(5000)]]));
    graphTensors(read.graph).forEach(tensor => tensor.data.kind !== 'external' && decodeTensor(tensor));
    return 'ok';
  } catch (error) {
    return error instanceof Error && error.constructor.name === 'Error' ? error.message : `not ours: ${String(error)}`;
  }
};

/** mulberry32: small, seeded, good enough to choose bytes. */
const random = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

describe('600 broken files: each is read, or refused by a sentence of ours', () => {
  const next = random(20);
  const below = (n: number): number => Math.floor(next() * n);
  const damage: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
    'bits flipped': bytes => {
      for (let i = 1 + below(4); i > 0; i--) {
        bytes[below(bytes.length)] ^= 1 << below(8);
      }
      return bytes;
    },
    'huge lengths': bytes => {
      bytes.set([0xff, 0xff, 0xff, 0xff, below(256), below(128)].slice(0, 1 + below(6)), below(bytes.length - 6));
      return bytes;
    },
    'a piece cut out': bytes => {
      const from = below(bytes.length);
      const to = from + below(bytes.length - from);
      return joinBytes([bytes.subarray(0, from), bytes.subarray(to)]);
    },
    'a piece doubled': bytes => {
      const from = below(bytes.length);
      const to = from + below(bytes.length - from);
      return joinBytes([bytes.subarray(0, to), bytes.subarray(from)]);
    }
  };
  test.each(Object.keys(damage))(
    '%s',
    kind => {
      const outcomes = Array.from({ length: 150 }, (_, i) =>
        outcome(damage[kind](fixtureBytes(`${FIXTURES[i % FIXTURES.length]}.onnx`)))
      );
      expect(outcomes.filter(message => !OURS.test(message))).toEqual([]);
      expect(new Set(outcomes).size).toBeGreaterThan(20);
    },
    10_000
  );
});
