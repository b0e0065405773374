import { float, int } from '../../../src/graph/attributes';
import { difference, draws, int32s, int64s, refusals, type Use } from './forms';

/** float32, sums of 8 products in another order: a few units of 6·10⁻⁸, and the root halves what it gets. */
const TOLERANCE = 1e-5;
/** float16 has 11 bits, 5·10⁻⁴; both forms round the sum, the norm and the product. */
const HALF_TOLERANCE = 2e-3;

const { floats, halves, below } = draws(1);
const x = floats(2, 3, 8);
const y = floats(2, 3, 8);
const [gamma, beta, bias] = [floats(8), floats(8), floats(8)];
const epsilon = [float('epsilon', 0.01)];
const SUM = ['float32', undefined, undefined, 'float32'] as const;

const USES: Record<string, Use> = {
  SkipLayerNormalization: { type: 'SkipLayerNormalization', inputs: [x, y, gamma, beta, bias], attributes: epsilon },
  'SkipLayerNormalization, no bias, sum wanted': {
    type: 'SkipLayerNormalization',
    inputs: [x, y, gamma, beta],
    outputs: SUM
  },
  'SkipLayerNormalization, no beta': {
    type: 'SkipLayerNormalization',
    inputs: [x, y, gamma, undefined, bias],
    outputs: SUM
  },
  'SkipLayerNormalization, skip of one row': {
    type: 'SkipLayerNormalization',
    inputs: [x, floats(1, 3, 8), gamma, beta]
  },
  'SkipLayerNormalization, skip without rows': {
    type: 'SkipLayerNormalization',
    inputs: [x, floats(3, 8), gamma]
  },
  'SkipLayerNormalization, two axes': {
    type: 'SkipLayerNormalization',
    inputs: [floats(6, 8), floats(6, 8), gamma, beta, bias]
  },
  'SkipLayerNormalization, mean and deviation': {
    type: 'SkipLayerNormalization',
    inputs: [x, y, gamma, beta, bias],
    outputs: ['float32', 'float32', 'float32', 'float32']
  },
  'SkipSimplifiedLayerNormalization, deviation': {
    type: 'SkipSimplifiedLayerNormalization',
    inputs: [x, y, gamma],
    outputs: ['float32', undefined, 'float32']
  },
  'SkipSimplifiedLayerNormalization, skip of one row': {
    type: 'SkipSimplifiedLayerNormalization',
    inputs: [x, floats(1, 3, 8), gamma]
  },
  'SimplifiedLayerNormalization, deviation': {
    type: 'SimplifiedLayerNormalization',
    domain: '',
    inputs: [x, gamma],
    outputs: ['float32', 'float32']
  },
  'SimplifiedLayerNormalization, numbers of float16, weight of float32': {
    type: 'SimplifiedLayerNormalization',
    domain: '',
    inputs: [halves(2, 3, 8), gamma]
  },
  'RMSNormalization, all axes': {
    type: 'RMSNormalization',
    domain: '',
    opset: 23,
    inputs: [x, floats(2, 3, 8)],
    attributes: [int('axis', 0)]
  },
  'RMSNormalization, weight of rows': { type: 'RMSNormalization', domain: '', opset: 23, inputs: [x, floats(3, 8)] },
  'RMSNormalization, one weight': { type: 'RMSNormalization', domain: '', opset: 23, inputs: [x, floats(1)] },
  SkipSimplifiedLayerNormalization: {
    type: 'SkipSimplifiedLayerNormalization',
    inputs: [x, y, gamma, bias],
    outputs: SUM,
    attributes: epsilon
  },
  'SkipSimplifiedLayerNormalization, opset 18': {
    type: 'SkipSimplifiedLayerNormalization',
    opset: 18,
    inputs: [x, y, gamma]
  },
  SimplifiedLayerNormalization: {
    type: 'SimplifiedLayerNormalization',
    domain: '',
    inputs: [x, gamma],
    attributes: epsilon
  },
  'SimplifiedLayerNormalization, second axis': {
    type: 'SimplifiedLayerNormalization',
    domain: '',
    inputs: [x, floats(3, 8)],
    attributes: [int('axis', 1)]
  },
  RMSNormalization: { type: 'RMSNormalization', domain: '', opset: 23, inputs: [x, gamma], attributes: epsilon },
  'RMSNormalization, last two axes': {
    type: 'RMSNormalization',
    domain: '',
    opset: 23,
    inputs: [x, floats(3, 8)],
    attributes: [int('axis', -2)]
  }
};

test.each(Object.entries(USES))('%s', async (_, use) => {
  expect(await difference(use)).toBeLessThan(TOLERANCE);
});

const [hx, hy, hg] = [halves(2, 3, 8), halves(2, 3, 8), halves(8)];
const HALF: Record<string, Use> = {
  SkipLayerNormalization: { type: 'SkipLayerNormalization', inputs: [hx, hy, hg], outputs: ['float16'] },
  SkipSimplifiedLayerNormalization: {
    type: 'SkipSimplifiedLayerNormalization',
    inputs: [hx, hy, hg],
    outputs: ['float16']
  },
  SimplifiedLayerNormalization: {
    type: 'SimplifiedLayerNormalization',
    domain: '',
    inputs: [hx, hg],
    outputs: ['float16']
  },
  'SimplifiedLayerNormalization, numbers of float32': {
    type: 'SimplifiedLayerNormalization',
    domain: '',
    inputs: [x, hg],
    outputs: ['float16']
  },
  RMSNormalization: { type: 'RMSNormalization', domain: '', opset: 23, inputs: [hx, hg], outputs: ['float16'] }
};

test.each(Object.entries(HALF))('%s in float16', async (_, use) => {
  expect(await difference(use)).toBeLessThan(HALF_TOLERANCE);
});

describe('EmbedLayerNormalization', () => {
  const ids = below(12, 2, 4);
  const segments = below(2, 2, 4);
  const [words, places, kinds] = [floats(12, 8), floats(6, 8), floats(2, 8)];
  const mask = int32s([2, 4], 1, 1, 1, 1, 1, 1, 0, 0);
  const type = 'EmbedLayerNormalization';
  const ALL = ['float32', 'int32', 'float32'] as const;
  const EMBEDS: Record<string, Use> = {
    all: { type, inputs: [ids, segments, words, places, kinds, gamma, beta, mask], outputs: ALL, attributes: epsilon },
    'no mask': { type, inputs: [ids, segments, words, places, kinds, gamma, beta], outputs: ALL },
    'no segments': { type, inputs: [ids, undefined, words, places, undefined, gamma, beta, mask], outputs: ALL },
    positions: {
      type,
      inputs: [
        ids,
        undefined,
        words,
        places,
        undefined,
        gamma,
        beta,
        undefined,
        int32s([2, 4], 1, 2, 3, 4, 5, 4, 3, 2)
      ],
      outputs: ['float32', 'int32']
    },
    'one row of positions, opset 12': {
      type,
      opset: 12,
      inputs: [ids, undefined, words, places, undefined, gamma, beta, undefined, int32s([1, 4], 5, 2, 3, 4)],
      outputs: ['float32', 'int32']
    }
  };
  test.each(Object.entries(EMBEDS))('%s', async (_, use) => {
    expect(await difference(use)).toBeLessThan(TOLERANCE);
  });
});

describe('stays as it is', () => {
  test('another precision inside', () => {
    expect(
      refusals({
        type: 'RMSNormalization',
        domain: '',
        opset: 23,
        inputs: [x, gamma],
        attributes: [int('stash_type', 11)]
      })
    ).toEqual(["RMSNormalization 'made' is not taken apart: its attribute 'stash_type' is 11, only 1 is understood"]);
  });

  test('a mean of which the norm has none', () => {
    expect(
      refusals({ type: 'SkipSimplifiedLayerNormalization', inputs: [x, y, gamma], outputs: ['float32', 'float32'] })
    ).toEqual(["SkipSimplifiedLayerNormalization 'made' is not taken apart: its output 1 ('made_1') is not made"]);
  });

  test('an input that the specification does not have', () => {
    expect(refusals({ type: 'RMSNormalization', domain: '', opset: 23, inputs: [x, gamma, int64s([1], 0)] })).toEqual([
      "RMSNormalization 'made' is not taken apart: its input 2 ('input2') is not understood"
    ]);
  });

  test('an opset that is too old', () => {
    expect(refusals({ type: 'SkipLayerNormalization', opset: 9, inputs: [x, y, gamma] })).toEqual([
      "SkipLayerNormalization 'made' is not taken apart: opset 9 of ai.onnx is older than 11"
    ]);
  });
});
