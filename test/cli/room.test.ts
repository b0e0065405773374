import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { orrery } from './capture';

/** A machine that has next to nothing free. */
jest.mock('node:os', () => ({ ...jest.requireActual<object>('node:os'), freemem: () => 100 }));

const BUNDLED = join(__dirname, '../../examples/models/induction-2l');
const PROMPTS = [{ clean: [1, 2, 3], corrupted: [1, 4, 3], answer: { correct: [5], wrong: [6] } }];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ['attention-patterns', { ids: [1, 2, 3] }, 'needs 1 MB (1 MB for activations)'],
  ['activation-patching', { prompts: PROMPTS }, 'MB for the weights once more, '],
  ['path-patching', { prompts: PROMPTS }, 'MB for the weights once more, ']
])('%s is refused in one line before it runs, with the sizes', async (analysis, spec, sizes) => {
  const file = join(folder, `${analysis}.json`);
  writeFileSync(file, JSON.stringify({ analysis, model: { path: 'm' }, seed: 0, spec }));
  const { code, out, said } = await orrery('run', file, '--model', BUNDLED);
  expect([code, out, said.length]).toEqual([1, '', 1]);
  expect(said[0]).toMatch(`orrery: memory would not suffice: '${analysis}' needs `);
  expect(said[0]).toContain(sizes);
  expect(said[0]).toMatch(/, 1 MB of the machine's memory are free$/);
});
