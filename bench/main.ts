import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

import { atlasHoverBench, atlasPaintBench } from './atlas';
import type { Bench, Row } from './bench';
import { bundleSize } from './bundle-size';
import { compositionBench } from './composition';
import { forwardCache } from './forward-cache';
import { growthBenches } from './growth';
import { instrumentedBenches } from './instrumented-forward';
import { openMemoryBenches } from './open-memory';
import { openSkeleton } from './open-skeleton';
import { parseBenches } from './parse-recognise';
import { geometryBench, spectraBench } from './measures';
import { patchingBenches } from './patching';
import { type MeasuredRow, merge, report, table } from './report';
import { growthPlot } from './growth-plot';
import { quickCertificate } from './quick-certificate';
import { memoryBenches } from './sweep-memory';
import { savedOutputsBenches } from './saved-outputs';

const BENCHES: readonly Bench[] = [
  ...instrumentedBenches,
  ...parseBenches,
  quickCertificate,
  bundleSize,
  atlasPaintBench,
  atlasHoverBench,
  openSkeleton,
  ...savedOutputsBenches,
  ...patchingBenches,
  forwardCache,
  ...memoryBenches,
  ...openMemoryBenches,
  compositionBench,
  geometryBench,
  spectraBench,
  ...growthBenches
];
const REPORT = 'docs/performance.md';
const RESULTS = 'bench/results.json';
const USAGE = 'usage: npm run bench [-- NAME…] [--json FILE] [--write]';

const main = async (args: readonly string[]): Promise<number> => {
  const { names, json, write } = parse(args);
  const unknown = names.find(name => !BENCHES.some(bench => bench.name === name));
  if (unknown !== undefined) {
    process.stderr.write(
      `bench unknown: '${unknown}' is none of ${BENCHES.map(bench => bench.name).join(', ')}; ${USAGE}\n`
    );
    return 2;
  }
  const rows: Row[] = [];
  let failed = false;
  for (const bench of BENCHES.filter(({ name }) => names.length === 0 || names.includes(name))) {
    process.stderr.write(`${bench.name} …\n`);
    try {
      rows.push(await bench.run());
    } catch (error) {
      failed = true;
      process.stderr.write(`${bench.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  process.stdout.write(`${machine()}\n\n${table(rows)}\n`);
  if (json !== undefined) {
    writeFileSync(json, `${JSON.stringify(rows, undefined, 1)}\n`);
  }
  if (write) {
    keep(rows);
  }
  return !failed && rows.every(row => row.holds) ? 0 : 1;
};

const parse = (args: readonly string[]) => {
  const names: string[] = [];
  let [json, write]: [string | undefined, boolean] = [undefined, false];
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--json' && i + 1 < args.length) {
      json = args[++i];
    } else if (args[i] === '--write') {
      write = true;
    } else {
      names.push(args[i]);
    }
  }
  return { names, json, write };
};

const machine = (): string =>
  `${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, ${process.platform}`;

/** Keeps the rows beside those measured before, and writes the page and its curves. */
const keep = (rows: readonly Row[]): void => {
  const earlier = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as MeasuredRow[]) : [];
  const date = new Date().toISOString().slice(0, 10);
  const names = BENCHES.map(({ name }) => name);
  const all = merge(
    names,
    earlier,
    rows.map(row => ({ ...row, date, machine: machine() }))
  );
  const drawn = rows.flatMap(row => (row.plot ? [{ name: row.name, svg: growthPlot(row.plot) }] : []));
  drawn.forEach(({ name, svg }) => writeFileSync(`docs/images/${name}.svg`, svg));
  writeFileSync(RESULTS, `${JSON.stringify(all, undefined, 1)}\n`);
  writeFileSync(REPORT, report(all));
};

main(process.argv.slice(2)).then(
  code => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
);
