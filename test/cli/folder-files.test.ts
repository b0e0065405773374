import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { folderFiles } from '../../src/cli/folder-files';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-'));
  mkdirSync(join(folder, 'onnx', 'deep', 'deeper'), { recursive: true });
  mkdirSync(join(folder, '.git'));
  writeFileSync(join(folder, 'config.json'), '{}');
  writeFileSync(join(folder, 'onnx', 'model.onnx'), Uint8Array.of(1, 2, 3));
  writeFileSync(join(folder, 'onnx', 'deep', 'deeper', 'x.onnx'), '');
  writeFileSync(join(folder, '.git', 'y.onnx'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a folder: its files and those one level down, hidden folders left out', async () => {
  const files = await folderFiles(folder);
  expect([files.label, files.model]).toEqual([basename(folder), undefined]);
  expect([...(await files.list())].sort((a, b) => a.name.localeCompare(b.name))).toEqual([
    { name: 'config.json', size: 2 },
    { name: 'onnx/model.onnx', size: 3 }
  ]);
});

test('a file in a folder onnx: the folder above, and its name there', async () => {
  const files = await folderFiles(join(folder, 'onnx', 'model.onnx'));
  expect([files.label, files.model]).toEqual(['model.onnx', 'onnx/model.onnx']);
  expect((await files.list()).map(({ name }) => name)).toContain('config.json');
  const steps: (readonly [number, number | undefined])[] = [];
  const bytes = await files.read('onnx/model.onnx', { onBytes: (read, total) => steps.push([read, total]) });
  expect(bytes).toEqual(Uint8Array.of(1, 2, 3));
  expect(steps).toEqual([[3, 3]]);
});

test('a read hears a cancel', async () => {
  const files = await folderFiles(folder);
  const signal = AbortSignal.abort(new Error('cancelled'));
  await expect(files.read('config.json', { signal })).rejects.toThrow('cancelled');
});

test('what is not there', async () => {
  await expect(folderFiles(join(folder, 'none'))).rejects.toThrow(/^no such file or folder: '.*none'$/);
});
