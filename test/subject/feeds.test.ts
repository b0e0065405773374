import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { recognise } from '../../src/anatomy/recognise';
import { collectWeights } from '../../src/onnx/collect-weights';
import { readModel } from '../../src/onnx/read-model';
import { buildFeeds, feedables } from '../../src/subject/inputs/feeds';

const inputsOf = (name: string) => {
  const { model, weights } = collectWeights(
    readModel(readFileSync(join(__dirname, '../fixtures/models', name)), name),
    new Map()
  );
  return feedables(recognise(model, weights).inputs);
};

const ROLES: Readonly<Record<string, string>> = {
  input_ids: 'ids',
  attention_mask: 'attention_mask',
  position_ids: 'position_ids',
  token_type_ids: 'token_type_ids'
};

// Roles are found without the names; the fixtures' names say what they should be.
test.each([
  'attn-only/dynamo.onnx',
  'bert/dynamo.onnx',
  'bert/optimum.onnx',
  'bert-model/torchscript.onnx',
  'gpt2/optimum.onnx',
  'gpt2/optimum-with-past.onnx',
  'gpt2-hub/model.onnx',
  'llama/dynamo.onnx',
  'llama/optimum.onnx',
  'llama/optimum-with-past.onnx',
  'neox/optimum.onnx'
])('%s', name => {
  for (const { name: input, role } of inputsOf(name)) {
    expect([input, role]).toEqual([input, ROLES[input] ?? (input.startsWith('past_key_values') ? 'past' : '?')]);
  }
});

test('feeds of two rows', () => {
  const rows = [
    [5, 6, 7],
    [8, 9, 10]
  ];
  const feeds = buildFeeds(inputsOf('llama/optimum-with-past.onnx'), rows);
  expect(feeds.input_ids).toEqual({ dims: [2, 3], type: 'int64', data: BigInt64Array.of(5n, 6n, 7n, 8n, 9n, 10n) });
  expect(feeds.attention_mask).toEqual({ dims: [2, 3], type: 'int64', data: new BigInt64Array(6).fill(1n) });
  expect(feeds.position_ids.data).toEqual(BigInt64Array.of(0n, 1n, 2n, 0n, 1n, 2n));
  expect(feeds['past_key_values.1.value']).toEqual({ dims: [2, 2, 0, 8], type: 'float32', data: new Float32Array() });
});

test('the past of a file whose sizes have no names', () => {
  const input = { name: 'k', role: 'past', elementType: 10, shape: ['', 2, '', 8] } as const;
  const feeds = buildFeeds(feedables([input]), [[1, 2]]);
  expect(feeds.k).toEqual({ dims: [1, 2, 0, 8], type: 'float16', data: new Uint16Array() });
});

test('an input that is none of these is refused', () => {
  const input = { name: 'pixels', role: 'unknown', elementType: 1, shape: ['batch', 3, 8, 8] } as const;
  expect(() => feedables([input])).toThrow("input not understood: 'pixels' (float32 [batch, 3, 8, 8]) is not ids");
});
