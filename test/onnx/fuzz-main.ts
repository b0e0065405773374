import { faultOf, fuzzCase } from './fuzz';

const value = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(name);
  const given = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (!Number.isInteger(given) || given < 0) {
    process.stderr.write('usage: npm run fuzz [-- --seconds N] [--seed N]\n');
    process.exit(2);
  }
  return given;
};

const seconds = value('--seconds', 60);
const first = value('--seed', Date.now() % 2 ** 31);
const end = performance.now() + seconds * 1000;
let [cases, faults, slowest] = [0, 0, 0];
for (; performance.now() < end; cases++) {
  const found = fuzzCase(first + cases);
  const fault = faultOf(found);
  slowest = Math.max(slowest, found.milliseconds);
  if (fault !== undefined) {
    faults++;
    process.stdout.write(`seed ${found.seed}, ${found.file}, ${found.mutations.join(', ')}: ${fault}\n`);
  }
}
const memory = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(
  `${cases} cases from seed ${first} in ${seconds} s, ${faults} faults; slowest ${slowest.toFixed(0)} ms, at most ${memory} MB of memory\n`
);
process.exitCode = faults > 0 ? 1 : 0;
