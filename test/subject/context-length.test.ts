import { join } from 'node:path';

import { folderFiles } from '../../src/cli/folder-files';
import { createNodeRuntime } from '../../src/runtime/node';
import { contextLength } from '../../src/subject/opening/context-length';
import { openModel } from '../../src/subject/opening/open-model';

test.each([
  [{ max_position_embeddings: 128 }, 128],
  [{ n_positions: 1024, n_ctx: 512 }, 1024],
  [{ max_position_embeddings: '128' }, undefined],
  [{ max_position_embeddings: -1, n_ctx: 7 }, 7],
  [{}, undefined],
  [null, undefined],
  [[1], undefined]
])('%j', (config, expected) => expect(contextLength(config)).toBe(expected));

test('a rotary model takes no more than its config.json says', async () => {
  const files = await folderFiles(join(__dirname, '../../examples/models/induction-2l'));
  const context = { signal: new AbortController().signal, progress: () => undefined };
  const subject = await openModel(files, createNodeRuntime(), context);
  expect([subject.tower.maxPositions, subject.maxPositions]).toEqual([null, 128]);
  expect(() => subject.input({ ids: new Array(129).fill(1) })).toThrow(
    'ids too long: there are 129 ids, the model has 128 positions'
  );
  await subject.close();
});
