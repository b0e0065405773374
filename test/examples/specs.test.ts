import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { analyses } from '../../src/analyses';
import { MIME_TYPE } from '../../src/report/payload';
import { orrery } from '../cli/capture';

const SPECS = join(__dirname, '../../examples/specs');
const ids = analyses.map(({ id }) => id);

/** Milliseconds: a probe trains for seconds, which others' work stretches. */
const SLOWEST = 240_000;

test('there is one spec for each analysis', () => {
  expect(readdirSync(SPECS).sort()).toEqual(ids.map(id => `${id}.json`).sort());
});

test.each(ids)('%s runs', async id => {
  const file = join(SPECS, `${id}.json`);
  const spec = JSON.parse(readFileSync(file, 'utf8')) as object;
  const { code, out, said } = await orrery('run', file);
  expect(said).toEqual([`ran ${id} on induction-2l`]);
  expect(code).toBe(0);
  const bundle = JSON.parse(out) as Record<string, object>;
  expect(bundle[MIME_TYPE]).toMatchObject({ analysis: id, ...spec, model: { path: '../models/induction-2l' } });
  expect(bundle[MIME_TYPE]).toHaveProperty('result');
}, SLOWEST);
