import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { faultOf, fuzzCase, MOST_MILLISECONDS } from './fuzz';

const value = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(name);
  const given = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (!Number.isInteger(given) || given < 0) {
    process.stderr.write('usage: npm run fuzz [-- --seconds N] [--seed N]\n');
    process.exit(2);
  }
  return given;
};

const first = value('--seed', Date.now() % 2 ** 31);
/** Cases run in a process of their own; here is the watch over it. */
const HANG = 5 * MOST_MILLISECONDS;

/** Says which case begins, then how it ended: written before anything can hang. */
const runCases = (): void => {
  for (let seed = first; ; seed++) {
    writeSync(1, `begin ${seed}\n`);
    const found = fuzzCase(seed);
    const fault = faultOf(found);
    writeSync(1, `end ${found.milliseconds.toFixed(0)}\n`);
    if (fault !== undefined) {
      writeSync(1, `fault seed ${seed}, ${found.file}, ${found.mutations.join(', ')}: ${fault}\n`);
    }
  }
};

interface Tally {
  cases: number;
  faults: number;
  slowest: number;
}

/** Watches cases from `seed` on until the time is over, or one hangs or ends the process: then the seed behind it is given. */
const watch = (seed: number, end: number, tally: Tally): Promise<number | undefined> =>
  new Promise(resolve => {
    const child = spawn(process.execPath, [process.argv[1], '--child', '--seed', String(seed)], {
      stdio: ['ignore', 'pipe', 'ignore']
    });
    let at = seed;
    let ours = false;
    const fault = (text: string): void => {
      tally.faults++;
      process.stdout.write(`${text}\n`);
    };
    const stop = (): void => {
      ours = true;
      child.kill('SIGKILL');
    };
    let hang: NodeJS.Timeout | undefined;
    const over = setTimeout(stop, Math.max(0, end - performance.now()));
    createInterface({ input: child.stdout }).on('line', line => {
      const [word, rest] = [line.split(' ', 1)[0], line.slice(line.indexOf(' ') + 1)];
      if (word === 'begin') {
        at = Number(rest);
        clearTimeout(hang);
        hang = setTimeout(() => {
          fault(`seed ${at}: hangs, no end within ${HANG} ms`);
          child.kill('SIGKILL');
          ours = true;
        }, HANG);
      } else if (word === 'end') {
        tally.cases++;
        tally.slowest = Math.max(tally.slowest, Number(rest));
      } else if (word === 'fault') {
        fault(rest);
      }
    });
    child.on('close', (code, signal) => {
      clearTimeout(hang);
      clearTimeout(over);
      if (!ours) {
        fault(`seed ${at}: ends the process (${signal ?? code})`);
      }
      resolve(performance.now() < end ? at + 1 : undefined);
    });
  });

const main = async (): Promise<void> => {
  const seconds = value('--seconds', 60);
  const end = performance.now() + seconds * 1000;
  const tally: Tally = { cases: 0, faults: 0, slowest: 0 };
  for (let seed: number | undefined = first; seed !== undefined;) {
    seed = await watch(seed, end, tally);
  }
  const { cases, faults, slowest } = tally;
  process.stdout.write(
    `${cases} cases from seed ${first} in ${seconds} s, ${faults} faults; slowest ${slowest} ms of the processor\n`
  );
  process.exitCode = faults > 0 ? 1 : 0;
};

if (process.argv.includes('--child')) {
  runCases();
} else {
  await main();
}
