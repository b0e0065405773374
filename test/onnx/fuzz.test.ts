import { spawnSync } from 'node:child_process';

import { faultOf, fuzzCase, runCase } from './fuzz';

const CASES = 2000;

test(`${CASES} files changed at random are read or refused in one sentence that names the place, within two seconds and little memory`, () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    ['scripts/fuzz.mjs', '--seed', '0', '--cases', String(CASES)],
    {
      encoding: 'utf8'
    }
  );
  const [, cases, refused, faults] = /^(\d+) cases from seed 0 .* (\d+) refused, (\d+) faults/mu.exec(stdout) ?? [
    stdout
  ];
  expect({ status, cases, faults, stdout }).toMatchObject({ status: 0, cases: String(CASES), faults: '0' });
  // Both ends are met: most changes break a file, some touch nothing that is read.
  expect(Number(refused)).toBeGreaterThan(CASES / 4);
  expect(Number(refused)).toBeLessThan(CASES);
}, 120_000);

const busy = (): void => {
  for (const start = process.cpuUsage(); process.cpuUsage(start).user < 2_100_000;) {
    // The processor is kept.
  }
};

const refuse = (message: string) => (): never => {
  throw new Error(message);
};

test.each<[string, () => void, RegExp | undefined]>([
  ['reads', () => undefined, undefined],
  ['refuses', refuse("field a at offset 7 of 'f'"), undefined],
  ['keeps one waiting', busy, /^took \d{4,} ms$/],
  ['takes memory', () => void new Uint8Array(100 * 2 ** 20).fill(1), /^took \d+ MB of memory for 1000 bytes/],
  [
    'raises what nobody raised on purpose',
    () => void (undefined as unknown as string[]).length,
    /nobody raised on purpose/
  ],
  ['says no place', refuse('it is broken'), /^a message without a place/],
  ['says two lines', refuse('field a at offset 7\nagain'), /^a message that is no sentence/],
  ['says nothing', refuse(''), /^a message that is no sentence/]
])('a file that %s is judged', (_, run, fault) => {
  const one = { file: 'f', mutations: [], bytes: 1000, place: /at offset \d/, run };
  const found = faultOf(one, runCase(one));
  expect(found).toEqual(fault === undefined ? undefined : (expect.stringMatching(fault) as unknown));
});

// Found by longer runs: a rotation of nothing, a tokenizer's undefined token, functions that double beside a long chain, long chains.
test.each([402307934, 402316268, 402333202, 402305561, 402343118, 20262608, 20264956])(
  'seed %i, once a fault',
  seed => {
    const one = fuzzCase(seed);
    expect(faultOf(one, runCase(one))).toBeUndefined();
  }
);
