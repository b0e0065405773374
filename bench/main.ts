import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

import { atlasHoverBench, atlasPaintBench } from './atlas';
import type { Bench, Row } from './bench';
import { bundleSize } from './bundle-size';
import { compositionBench } from './composition';
import { forwardCache } from './forward-cache';
import { growthBenches } from './growth';
import { instrumentedBenches } from './instrumented-forward';
import { openMemory } from './open-memory';
import { parseBenches } from './parse-recognise';
import { geometryBench, spectraBench } from './measures';
import { patchingBenches } from './patching';
import { growthPlot } from './growth-plot';
import { quickCertificate } from './quick-certificate';
import { memoryBenches } from './sweep-memory';
import { savedOutputsBench } from './saved-outputs';

const BENCHES: readonly Bench[] = [
  ...instrumentedBenches,
  ...parseBenches,
  quickCertificate,
  bundleSize,
  atlasPaintBench,
  atlasHoverBench,
  savedOutputsBench,
  ...patchingBenches,
  forwardCache,
  ...memoryBenches,
  openMemory,
  compositionBench,
  geometryBench,
  spectraBench,
  ...growthBenches
];
const REPORT = 'docs/performance.md';
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
    const drawn = rows.flatMap(row => (row.plot ? [{ name: row.name, svg: growthPlot(row.plot) }] : []));
    drawn.forEach(({ name, svg }) => writeFileSync(`docs/images/${name}.svg`, svg));
    writeFileSync(REPORT, report(rows));
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

const number = (value: number): string => value.toFixed(value < 10 ? 3 : 1);

const cells = (row: Row): readonly string[] => [
  row.name,
  `${number(row.value)} ${row.unit}`,
  row.target === null ? '–' : `${row.bound === 'most' ? '≤' : '≥'} ${row.target}`,
  row.target === null ? '–' : row.holds ? 'yes' : 'NO',
  row.detail
];

/** A Markdown table. */
const table = (rows: readonly Row[]): string =>
  [['bench', 'value', 'target', 'holds', 'how'], Array<string>(5).fill('---'), ...rows.map(cells)]
    .map(line => `| ${line.join(' | ')} |`)
    .join('\n');

const report = (rows: readonly Row[]): string => `# Performance

Written by \`npm run bench -- --write\`. A ratio is the median over the rounds of one run in which the two sides are timed in
turn; it is given only when both sides' numbers agree on the same weights and inputs.

${machine()}, ${new Date().toISOString().slice(0, 10)}

${table(rows)}
${rows.flatMap(row => (row.plot ? [`\n![${row.name}: ${row.plot.y} by ${row.plot.x}](images/${row.name}.svg)`] : [])).join('\n')}
`;

main(process.argv.slice(2)).then(
  code => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
);
