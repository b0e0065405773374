import type { InferenceSession } from 'onnxruntime-common';

import type { Model } from '../onnx/model';

interface AsWritten {
  readonly graphOptimizationLevel: InferenceSession.SessionOptions['graphOptimizationLevel'];
  /** Under `extra.session` and `extra.optimization` of a session's options. */
  readonly session: Readonly<Record<string, string>>;
  readonly optimization: Readonly<Record<string, string>>;
}

/**
 * All but changes of layout, which are meant for convolutions: in 1.30 they end the process (a segmentation fault) on some
 * half-precision graphs whose transposed tensors are outputs.
 */
const MOST = 'extended';

/**
 * Products with weights that are dequantised in the graph stay products of float32. ONNX Runtime otherwise rounds the activations
 * of some of them to 8 bits (accuracy level 4), depending on what else is in the graph: logits then differ by 5e-3.
 * Sums of products of integers do not saturate: on x64 without VNNI pairs of them otherwise do, in 16 bits, and a file of 8 bits
 * has other hooks there than on every other machine (https://github.com/microsoft/onnxruntime/pull/12088).
 */
const EXACT = { qdq_matmulnbits_accuracy_level: '1', x64quantprecision: '1' };

/** Products of integers whose weights one of the extended passes makes unsigned, lest their sums saturate. */
const INTEGER_PRODUCTS: ReadonlySet<string> = new Set([
  'DynamicQuantizeMatMul',
  'MatMulInteger',
  'MatMulIntegerToFloat',
  'QAttention',
  'QGemm',
  'QLinearConv',
  'QLinearMatMul'
]);

/**
 * Options under which ONNX Runtime computes what a graph says. Between QuantizeLinear and DequantizeLinear operators compute in float32, as ONNX
 * has it; ONNX Runtime otherwise takes some of them for operators on integers, depending on which tensors are outputs. Passes of 1.30 that move
 * transpositions, or take out a DequantizeLinear in front of a QuantizeLinear, round an output once more than its graph does, or end the process.
 * Weights alone stay dequantised where they are read, in less memory.
 */
export function asWritten({ graph }: Model): AsWritten {
  const has = (test: (opType: string) => boolean): boolean => graph.nodes.some(({ opType }) => test(opType));
  if (!has(opType => opType === 'QuantizeLinear')) {
    return { graphOptimizationLevel: MOST, session: EXACT, optimization: without() };
  }
  const integers = has(opType => INTEGER_PRODUCTS.has(opType));
  return {
    graphOptimizationLevel: integers ? MOST : 'basic',
    session: { ...EXACT, disable_quant_qdq: '1' },
    optimization: without('TransposeOptimizer', ...(integers ? ['QDQFinalCleanupTransformer'] : []))
  };
}

/** Where sums are not to saturate, one pass makes dequantised weights unsigned as well, and breaks those that have a scale a column and no zero point. */
const without = (...passes: readonly string[]): AsWritten['optimization'] => ({
  disable_specified_optimizers: ['QDQS8ToU8Transformer', ...passes].join(';')
});
