import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { dataFile } from '../../src/cli/data-file';

const BYTES = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) >> 3);

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-'));
  path = join(folder, 'model.onnx_data');
  writeFileSync(path, BYTES);
});
afterEach(() => rmSync(folder, { recursive: true }));

test('parts of a file, and their SHA-256', async () => {
  const file = await dataFile(path);
  expect([file.name, file.size]).toEqual(['model.onnx_data', BYTES.length]);
  expect(file.read(1_000_001, 5)).toEqual(BYTES.slice(1_000_001, 1_000_006));
  for (const [start, end] of [
    [0, BYTES.length],
    [7, 2_000_000],
    [5, 5]
  ]) {
    const expected = createHash('sha256').update(BYTES.subarray(start, end)).digest('hex');
    expect(Buffer.from(await file.sha256(start, end)).toString('hex')).toBe(expected);
  }
  expect(() => file.read(BYTES.length - 1, 2)).toThrow(/^file cut short: '.*model\.onnx_data' ended at 3000000 bytes/);
});

test('a link is followed: a runtime takes no file outside the folder that it is told', async () => {
  symlinkSync(path, join(folder, 'link'));
  const { folder: real, name } = await dataFile(join(folder, 'link'));
  expect([real, name]).toEqual([(await dataFile(path)).folder, 'model.onnx_data']);
});

test.each<[string, () => void]>([
  ['written again', () => utimesSync(path, 1, 1)],
  [
    'replaced',
    () => {
      writeFileSync(join(folder, 'other'), BYTES);
      renameSync(join(folder, 'other'), path);
    }
  ]
])('a file that is %s is not read as if it were the same', async (_, change) => {
  const file = await dataFile(path);
  file.check();
  change();
  for (const use of [() => file.read(0, 4), () => file.check()]) {
    expect(use).toThrow(/^file changed: '.*model\.onnx_data' is no longer what it was when its model was opened/);
  }
});

test('a file that is gone', async () => {
  const file = await dataFile(path);
  rmSync(path);
  expect(() => file.check()).toThrow(/^file changed: /);
});
