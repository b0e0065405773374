import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { faultOf, fuzzCase, MOST_MILLISECONDS, runCase } from './fuzz';

const value = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(name);
  const given = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (!(Number.isInteger(given) || given === Infinity) || given < 0) {
    process.stderr.write('usage: npm run fuzz [-- --seconds N] [--cases N] [--seed N]\n');
    process.exit(2);
  }
  return given;
};

const first = value('--seed', Date.now() % 2 ** 31);
/** Cases run in a process of their own; here is the watch over it, by the clock: other work on the machine may take most of it. */
const HANG = 5 * MOST_MILLISECONDS;
const LONGEST_TIMER = 2 ** 31 - 1;

/** Says which case begins, then how it ended: written before anything can hang. */
const runCases = (last: number): void => {
  for (let seed = first; seed <= last; seed++) {
    writeSync(1, `making ${seed}\n`);
    const one = fuzzCase(seed);
    writeSync(1, `begin seed ${seed}, ${one.file}, ${one.mutations.join(', ')}\n`);
    const outcome = runCase(one);
    const fault = faultOf(one, outcome);
    writeSync(1, `${outcome.error === undefined ? 'read' : 'refused'} ${outcome.milliseconds.toFixed(0)}\n`);
    if (fault !== undefined) {
      writeSync(1, `fault ${fault}\n`);
    }
  }
};

interface Tally {
  cases: number;
  refused: number;
  faults: number;
  slowest: number;
}

/** Until when, and up to which seed. */
interface Bounds {
  readonly end: number;
  readonly last: number;
}

/** Watches cases from `seed` on until the bounds are met, or one hangs or ends the process: then the seed behind it is given. */
const watch = (seed: number, { end, last }: Bounds, tally: Tally): Promise<number | undefined> =>
  new Promise(resolve => {
    const child = spawn(
      process.execPath,
      [process.argv[1], '--child', '--seed', String(seed), '--cases', String(last - seed + 1)],
      { stdio: ['ignore', 'pipe', 'ignore'] }
    );
    let at = seed;
    let name = `seed ${seed}`;
    let ours = false;
    const fault = (text: string): void => {
      tally.faults++;
      process.stdout.write(`${name}: ${text}\n`);
    };
    const stop = (): void => {
      ours = true;
      child.kill('SIGKILL');
    };
    let hang: NodeJS.Timeout | undefined;
    const over = setTimeout(stop, Math.min(LONGEST_TIMER, Math.max(0, end - performance.now())));
    const hear: Readonly<Record<string, (rest: string) => void>> = {
      making: rest => {
        at = Number(rest);
        name = `seed ${rest}`;
        clearTimeout(hang);
        hang = setTimeout(() => {
          fault(`hangs, no end within ${HANG} ms`);
          stop();
        }, HANG);
      },
      begin: rest => (name = rest),
      read: rest => ended(Number(rest), 0),
      refused: rest => ended(Number(rest), 1),
      fault
    };
    const ended = (milliseconds: number, refused: number): void => {
      tally.cases++;
      tally.refused += refused;
      tally.slowest = Math.max(tally.slowest, milliseconds);
    };
    createInterface({ input: child.stdout }).on('line', line => {
      const [word] = line.split(' ', 1);
      hear[word]?.(line.slice(word.length + 1));
    });
    child.on('close', (code, signal) => {
      clearTimeout(hang);
      clearTimeout(over);
      const done = code === 0 || at >= last || performance.now() >= end;
      if (!ours && code !== 0) {
        fault(`ends the process (${signal ?? code})`);
      }
      resolve(done ? undefined : at + 1);
    });
  });

const main = async (): Promise<void> => {
  const cases = value('--cases', Infinity);
  const seconds = value('--seconds', cases === Infinity ? 60 : Infinity);
  const bounds = { end: performance.now() + seconds * 1000, last: first + cases - 1 };
  const tally: Tally = { cases: 0, refused: 0, faults: 0, slowest: 0 };
  const started = performance.now();
  for (let seed: number | undefined = first; seed !== undefined;) {
    seed = await watch(seed, bounds, tally);
  }
  const took = ((performance.now() - started) / 1000).toFixed(0);
  process.stdout.write(
    `${tally.cases} cases from seed ${first} in ${took} s, ${tally.refused} refused, ${tally.faults} faults; ` +
      `slowest ${tally.slowest} ms of the processor\n`
  );
  process.exitCode = tally.faults > 0 ? 1 : 0;
};

if (process.argv.includes('--child')) {
  runCases(first + value('--cases', Infinity) - 1);
} else {
  await main();
}
