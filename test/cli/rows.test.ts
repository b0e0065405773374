import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MIME_TYPE } from '../../src/report/payload';
import { orrery } from './capture';

const MODEL = join(__dirname, '../../examples/models/induction-2l');
const folder = mkdtempSync(join(tmpdir(), 'orrery-rows-'));
const spec = join(folder, 'spec.json');
const table = join(folder, 'labels.csv');

writeFileSync(
  spec,
  JSON.stringify({
    analysis: 'linear-probe',
    model: { path: 'models/x' },
    spec: { task: 'rows', split: 'last', codelength: false }
  })
);

test('a probe runs on a labelled table from a file', async () => {
  const rows = [
    'the ship,N,ship',
    'a dog,N,dog',
    'she sails,V,sails',
    'he runs,V,runs',
    'a house,N,house',
    'they walk,V,walk'
  ];
  writeFileSync(table, ['text,label,word', ...rows].join('\n'));
  const { code, out } = await orrery('run', spec, '--model', MODEL, '--rows', table);
  expect(code).toBe(0);
  const { result } = (JSON.parse(out) as Record<string, { result: { classes: object; facts: object } }>)[MIME_TYPE];
  expect(result.classes).toEqual([
    { label: 'N', points: 3 },
    { label: 'V', points: 3 }
  ]);
  expect(result.facts).toMatchObject({ texts: 6, train: 4, test: 2 });
});

test.each([
  ['none.csv', 'no such file'],
  ['bad.csv', 'labelled table: row 1 has 1 cells where 2 columns are named'],
  ['bytes.csv', 'not UTF-8']
])('%s is refused', async (name, message) => {
  writeFileSync(join(folder, 'bad.csv'), 'text,label\na\n');
  writeFileSync(join(folder, 'bytes.csv'), Uint8Array.of(0xff, 0xfe, 0xff));
  const { code, said } = await orrery('run', spec, '--model', MODEL, '--rows', join(folder, name));
  expect(code).toBe(1);
  expect(said.at(-1)).toContain(message);
});
