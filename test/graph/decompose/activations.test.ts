import { float, int, text } from '../../../src/graph/attributes';
import { difference, draws, refusals, type Use } from './forms';

/** float32: erf and tanh are approximations of a few units of 6·10⁻⁸ in either form. */
const TOLERANCE = 1e-5;
/** float16 has 11 bits, and the primitive form rounds after each of eight operators. */
const HALF_TOLERANCE = 8e-3;

const { floats, halves } = draws(2);
const x = floats(2, 3, 8);
const bias = floats(8);

const USES: Record<string, Use> = {
  FastGelu: { type: 'FastGelu', inputs: [x] },
  'FastGelu with bias': { type: 'FastGelu', inputs: [x, bias] },
  BiasGelu: { type: 'BiasGelu', inputs: [x, bias] },
  Gelu: { type: 'Gelu', inputs: [x] },
  QuickGelu: { type: 'QuickGelu', inputs: [x] },
  'QuickGelu with another slope': { type: 'QuickGelu', inputs: [x], attributes: [float('alpha', 1)] },
  'ai.onnx Gelu': { type: 'Gelu', domain: '', opset: 20, inputs: [x] },
  'ai.onnx Gelu by erf': {
    type: 'Gelu',
    domain: '',
    opset: 20,
    inputs: [x],
    attributes: [text('approximate', 'none')]
  },
  'ai.onnx Gelu by tanh': {
    type: 'Gelu',
    domain: '',
    opset: 20,
    inputs: [x],
    attributes: [text('approximate', 'tanh')]
  },
  Swish: { type: 'Swish', domain: '', opset: 24, inputs: [x] },
  'Swish with another slope': { type: 'Swish', domain: '', opset: 24, inputs: [x], attributes: [float('alpha', 0.7)] }
};

test.each(Object.entries(USES))('%s', async (_, use) => {
  expect(await difference(use)).toBeLessThan(TOLERANCE);
});

const h = halves(2, 8);
test.each<Omit<Use, 'outputs'>>([
  { type: 'FastGelu', inputs: [h, halves(8)] },
  { type: 'BiasGelu', inputs: [h, halves(8)] },
  { type: 'Gelu', inputs: [h] },
  { type: 'QuickGelu', inputs: [h] },
  { type: 'Gelu', domain: '', opset: 20, inputs: [h] },
  { type: 'Swish', domain: '', opset: 24, inputs: [h] }
])('$domain $type in float16', async use => {
  expect(await difference({ ...use, outputs: ['float16'] })).toBeLessThan(HALF_TOLERANCE);
});

test('an approximation that is not known is left alone', () => {
  const use: Use = { type: 'Gelu', domain: '', opset: 20, inputs: [x], attributes: [text('approximate', 'sigmoid')] };
  expect(refusals(use)).toEqual([
    "Gelu 'made' is not taken apart: its attribute 'approximate' is 'sigmoid', neither 'none' nor 'tanh'"
  ]);
});

describe('products', () => {
  const [a, b] = [floats(2, 3, 4), floats(2, 4, 5)];
  const PRODUCTS: Record<string, Use> = {
    FusedMatMul: { type: 'FusedMatMul', inputs: [a, b], attributes: [float('alpha', 0.5)] },
    'FusedMatMul, A transposed': { type: 'FusedMatMul', inputs: [floats(2, 4, 3), b], attributes: [int('transA', 1)] },
    'FusedMatMul, both transposed': {
      type: 'FusedMatMul',
      inputs: [floats(4, 3), floats(2, 5, 4)],
      attributes: [int('transA', 1), int('transB', 1)],
      unsized: true
    },
    'FusedMatMul, B transposed': { type: 'FusedMatMul', inputs: [a, floats(5, 4)], attributes: [int('transB', 1)] },
    'FusedMatMul, a vector, which is not transposed': {
      type: 'FusedMatMul',
      inputs: [floats(4), b],
      attributes: [int('transA', 1)]
    },
    'FusedMatMul, times zero': { type: 'FusedMatMul', inputs: [a, b], attributes: [float('alpha', 0)] },
    'FusedMatMul, batches of A, which is transposed, as is B': {
      type: 'FusedMatMul',
      inputs: [floats(4, 2, 6, 3), floats(2, 6, 5, 4)],
      attributes: ['transBatchA', 'transA', 'transB'].map(name => int(name, 1))
    },
    'FusedMatMul, batches of B, which is transposed': {
      type: 'FusedMatMul',
      inputs: [floats(2, 6, 3, 4), floats(5, 2, 6, 4)],
      attributes: ['transBatchB', 'transB'].map(name => int(name, 1))
    },
    'FusedMatMul, batches of A': {
      type: 'FusedMatMul',
      inputs: [floats(3, 2, 4), b],
      attributes: [int('transBatchA', 1), float('alpha', 0.5)]
    },
    'FusedMatMul, two batches of A, which is transposed': {
      type: 'FusedMatMul',
      inputs: [floats(4, 2, 6, 3), floats(2, 6, 4, 5)],
      attributes: [int('transBatchA', 1), int('transA', 1)],
      unsized: true
    },
    'FusedMatMul, two batches of B': {
      type: 'FusedMatMul',
      inputs: [floats(2, 6, 3, 4), floats(4, 2, 6, 5)],
      attributes: [int('transBatchB', 1)]
    },
    'FusedMatMul, batches of both, both transposed': {
      type: 'FusedMatMul',
      inputs: [floats(4, 2, 6, 3), floats(5, 2, 6, 4)],
      attributes: ['transBatchA', 'transBatchB', 'transA', 'transB'].map(name => int(name, 1))
    },
    'FusedGemm, Relu': {
      type: 'FusedGemm',
      inputs: [floats(3, 4), floats(4, 5), floats(5)],
      attributes: [text('activation', 'Relu'), float('alpha', 0.5), float('beta', 2)]
    },
    ...Object.fromEntries(
      ['Tanh', 'Sigmoid'].map(activation => [
        `FusedGemm, ${activation}, nothing else said`,
        { type: 'FusedGemm', inputs: [floats(3, 4), floats(4, 5)], attributes: [text('activation', activation)] }
      ])
    ),
    'FusedGemm, LeakyRelu': {
      type: 'FusedGemm',
      inputs: [floats(4, 3), floats(5, 4)],
      attributes: [text('activation', 'LeakyRelu'), float('activation_alpha', 0.2), int('transA', 1), int('transB', 1)]
    }
  };
  test.each(Object.entries(PRODUCTS))('%s', async (_, use) => {
    expect(await difference(use)).toBeLessThan(TOLERANCE);
  });

  const bytes = (type: 'uint8' | 'int8', dims: number[], offset: number) => {
    const data = Array.from({ length: dims.reduce((n, size) => n * size, 1) }, (_, i) => ((i * 37) % 200) + offset);
    return { dims, type, data: type === 'uint8' ? Uint8Array.from(data) : Int8Array.from(data) };
  };
  const one = (value: number) => ({ dims: [], type: 'float32' as const, data: Float32Array.of(value) });
  const zero = { dims: [], type: 'uint8' as const, data: Uint8Array.of(100) };
  test.each(
    Object.entries<Use>({
      'no zero points': {
        type: 'MatMulIntegerToFloat',
        inputs: [bytes('uint8', [3, 4], 0), bytes('int8', [4, 5], -100), one(0.1), one(0.2)]
      },
      'zero points, bias': {
        type: 'MatMulIntegerToFloat',
        inputs: [
          bytes('uint8', [3, 4], 0),
          bytes('uint8', [4, 5], 0),
          one(0.1),
          floats(5),
          zero,
          { ...zero, dims: [5], data: Uint8Array.of(1, 2, 3, 4, 5) },
          floats(5)
        ]
      }
    })
  )('MatMulIntegerToFloat, %s', async (_, use) => {
    expect(await difference(use)).toBeLessThan(TOLERANCE);
  });

  test.each(
    Object.entries<Use>({
      'no zero points': {
        type: 'DynamicQuantizeMatMul',
        inputs: [floats(3, 4), bytes('int8', [4, 5], -100), one(0.2)],
        constant: [1, 2]
      },
      'signed, a zero point': {
        type: 'DynamicQuantizeMatMul',
        inputs: [
          floats(2, 3, 4),
          bytes('int8', [4, 5], -100),
          one(0.2),
          { dims: [], type: 'int8', data: Int8Array.of(-3) }
        ],
        constant: [1, 2, 3]
      },
      'scales of columns, bias': {
        type: 'DynamicQuantizeMatMul',
        inputs: [
          floats(2, 3, 4),
          bytes('uint8', [4, 5], 0),
          floats(5),
          { ...zero, dims: [5], data: Uint8Array.of(1, 2, 3, 4, 5) },
          floats(5)
        ],
        constant: [1, 2, 3, 4]
      }
    })
  )('DynamicQuantizeMatMul, %s', async (_, use) => {
    expect(await difference(use)).toBeLessThan(TOLERANCE);
  });

  test.each([
    [floats(3, 4), floats(4, 5), '2 and 2'],
    [floats(3, 2, 4), floats(4, 5), '3 and 2']
  ])('batches are not transposed where there are none', (left, right, axes) => {
    const use: Use = { type: 'FusedMatMul', inputs: [left, right], attributes: [int('transBatchA', 1)] };
    expect(refusals(use)).toEqual([
      `FusedMatMul 'made' is not taken apart: its operands of ${axes} axes have no batch to transpose`
    ]);
  });
});
