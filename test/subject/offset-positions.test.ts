import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { toFloat64 } from '../../src/onnx/decode-tensor';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import { memoryFiles, quiet } from './fixture-files';

const bytesOf = (file: string): Uint8Array =>
  gunzipSync(readFileSync(join(__dirname, '../fixtures/matrix', `${file}.onnx.gz`)));

/** Rows in front of the first position's, and the positions that are left: arange + 2, a mask's running sum + 1, one of ids' + 1, … */
const TABLES: readonly (readonly [string, number, number])[] = [
  ['gpt2/optimum-with-past', 0, 48],
  ['opt/dynamo', 2, 48],
  ['opt/optimum-with-past', 2, 48],
  ['bart/optimum.encoder', 2, 48],
  ['roberta/torchscript', 1, 47],
  ['mpnet/dynamo', 2, 46]
];

test.each(TABLES)('%s: %i rows, then %i positions', async (file, before, positions) => {
  const subject = await openModel(memoryFiles(file, { 'model.onnx': bytesOf(file) }), createNodeRuntime(), quiet);
  const { tower, maxPositions, weights } = subject;
  expect([tower.embedding?.firstPosition ?? 0, tower.maxPositions, maxPositions]).toEqual([
    before,
    positions,
    positions
  ]);
  const ids = Array.from({ length: positions }, (_, at) => 3 + (at % 20));
  const cache = await subject.forward({ ids: [ids], hooks: ['hook_pos_embed'] }, quiet);
  const table = weights.read('W_pos');
  // Rows are copied: the same bits.
  expect(toFloat64(table)).toEqual(toFloat64(cache.get('hook_pos_embed')));
  expect(weights.read('W_pos', { range: [positions - 1, positions] }).data).toEqual(table.data.slice(-tower.dModel));
  expect(() => subject.input({ ids: [...ids, 3] })).toThrow(
    `ids too long: there are ${positions + 1} ids, the model has ${positions} positions`
  );
  await subject.close();
});
