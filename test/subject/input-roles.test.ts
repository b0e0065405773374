import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Tower } from '../../src/anatomy/anatomy';
import { readModel } from '../../src/onnx/read-model';
import { buildFeeds } from '../../src/subject/feeds';
import { inputRoles } from '../../src/subject/input-roles';

const MODELS = join(__dirname, '../fixtures/models');
const model = (name: string) => readModel(readFileSync(join(MODELS, name)), name);
const tower = { embedding: { ids: 'input_ids' } } as unknown as Tower;

const NAMED: Readonly<Record<string, string>> = {
  input_ids: 'ids',
  attention_mask: 'mask',
  position_ids: 'positions',
  token_type_ids: 'types'
};

// The roles are found without the names; the fixtures' names say what they should be.
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
  for (const { name: input, role } of inputRoles(model(name), tower)) {
    expect([input, role]).toEqual([input, NAMED[input] ?? (input.startsWith('past_key_values') ? 'past' : '?')]);
  }
});

test('feeds of two rows', () => {
  const rows = [
    [5, 6, 7],
    [8, 9, 10]
  ];
  const feeds = buildFeeds(inputRoles(model('llama/optimum-with-past.onnx'), tower), rows);
  expect(feeds.input_ids).toEqual({ dims: [2, 3], type: 'int64', data: BigInt64Array.of(5n, 6n, 7n, 8n, 9n, 10n) });
  expect(feeds.attention_mask).toEqual({ dims: [2, 3], type: 'int64', data: new BigInt64Array(6).fill(1n) });
  expect(feeds.position_ids.data).toEqual(BigInt64Array.of(0n, 1n, 2n, 0n, 1n, 2n));
  expect(feeds['past_key_values.1.value']).toEqual({ dims: [2, 2, 0, 8], type: 'float32', data: new Float32Array() });
});

test('an input that is none of these is refused', () => {
  expect(() => inputRoles(model('refusals/cnn.onnx'), tower)).toThrow(
    "input not understood: 'input' (float32 [1, 3, 8, 8])"
  );
});
