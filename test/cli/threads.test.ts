import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MIME_TYPE, type Payload } from '../../src/report/payload';
import { createNodeRuntime } from '../../src/runtime/portable';
import { MODELS } from '../subject/fixture-files';
import { orrery } from './capture';

const HUB = join(MODELS, 'gpt2-hub');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('an analysis on two threads gives the numbers of one, and says that it ran on two', async () => {
  const spec = join(folder, 'spec.json');
  writeFileSync(spec, JSON.stringify({ analysis: 'attention-entropy', spec: { text: 'Call me Ishmael' }, seed: 0 }));
  const [one, two] = await Promise.all(
    ['1', '2'].map(async count => {
      const { code, out, said } = await orrery('run', spec, '--model', HUB, '--threads', count);
      expect([code, said]).toEqual([0, [expect.stringContaining('ran attention-entropy')]]);
      return (JSON.parse(out) as Record<typeof MIME_TYPE, Payload>)[MIME_TYPE];
    })
  );
  expect([one.provenance, two.provenance]).toMatchObject([{ threads: 1 }, { threads: 2 }]);
  expect(two.result).toEqual(one.result);
});

test.each(['inspect', 'cache', 'generate', 'run'])('%s: another number of threads is wrong usage', async command => {
  const others = { cache: ['--hooks', 'logits', '--out', join(folder, 'x')], generate: ['--ids', '1'] };
  const { code, said } = await orrery(command, HUB, ...(others[command as 'cache'] ?? []), '--threads', '0');
  expect(code).toBe(2);
  expect(said).toEqual([
    expect.stringMatching(/^orrery \w+: --threads is '0', wanted 1 to 256 \(orrery \w+ --help\)$/)
  ]);
});

test('the package without native libraries refuses a second thread', () => {
  expect(() => createNodeRuntime(2)).toThrow(/^threads unavailable: 2 were asked for, and this command line runs/);
});

test('threads are in the help', async () => {
  expect((await orrery('run', '--help')).out).toContain('--threads N');
});
