import { plainReason } from '../../src/runtime/plain-reason';

/** Messages as ONNX Runtime 1.30 gives them, and what is left of each. */
const SAID: readonly (readonly [string, string])[] = [
  [
    "Non-zero status code returned while running Gather node. Name:'/wpe/Gather' Status Message: indices element out of data bounds, idx=99 must be within the inclusive range [-48,47]",
    "Gather node '/wpe/Gather': it looks up row 99 of a table of 48"
  ],
  [
    "Non-zero status code returned while running GatherND node. Name:'node_GatherND_169' Status Message: invalid index found, index = 48",
    "GatherND node 'node_GatherND_169': it looks up row 48 of a table that has fewer"
  ],
  [
    "Non-zero status code returned while running GatherElements node. Name:'node_gather' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/tensor/gather_elements.cc:150 void onnxruntime::core_impl(const Tensor*, const Tensor*, Tensor*, int64_t, concurrency::ThreadPool*) [with Tin = long int; int64_t = long int] GatherElements op: Out of range value in index tensor",
    "GatherElements node 'node_gather': it looks up a row beyond the end of a table"
  ],
  [
    "Non-zero status code returned while running Reshape node. Name:'node_Reshape_322' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/tensor/reshape_helper.h:33 onnxruntime::ReshapeHelper::ReshapeHelper(const onnxruntime::TensorShape&, onnxruntime::TensorShapeVector&, bool) i < input_shape.NumDimensions() was false. The dimension with value zero exceeds the dimension size of the input tensor.",
    "Reshape node 'node_Reshape_322': The dimension with value zero exceeds the dimension size of the input tensor."
  ],
  [
    "Non-zero status code returned while running Add node. Name:'/Add' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/math/element_wise_ops.h:540 void onnxruntime::BroadcastIterator::Init(ptrdiff_t, ptrdiff_t) axis == 1 || axis == largest was false. Attempting to broadcast an axis by a dimension other than 1. 4 by 5",
    "Add node '/Add': Attempting to broadcast an axis by a dimension other than 1. 4 by 5"
  ]
];

test.each(SAID)('%s', (message, words) => {
  expect(plainReason(new Error(message))).toBe(words);
});

test('what is not known keeps its first line, cut short', () => {
  expect(plainReason(new Error(`bad\nstack ${'x'.repeat(900)}`))).toBe('bad');
  expect(plainReason('x'.repeat(900))).toHaveLength(400);
});
