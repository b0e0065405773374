import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/open-model';
import type { Subject } from '../../src/subject/subject';
import type { PathSweepRequest, SweepRequest } from '../../src/subject/sweep';
import { sweepWhole } from '../../src/subject/sweeps/whole';
import { pathSweepWhole } from '../../src/subject/sweeps/whole-paths';
import { memoryFiles, quiet } from './fixture-files';
import { expectedOf, families, type Style } from './matrix-cells';
import { difference, patchesOf, pathsOf, PROMPTS, readout, rows } from './sweep-requests';

const PAGE = join(__dirname, '../../docs/sweeps.md');
const [BEGIN, END] = ['<!-- ways -->', '<!-- /ways -->'];

/** Of all patches and paths: a few of each kind, since sweeps.test.ts asks for most. */
const [EVERY_PATCH, EVERY_PATH] = [37, 11];
/** Of the largest effect. Single precision in another order of summation; eleven bits, through sharp softmaxes. */
const TOLERANCE: Readonly<Partial<Record<Style, number>>> = { fp16: 0.1 };
const SINGLE = 1e-4;

/** One file as an exporter writes it, and one that was converted or that another exporter wrote. */
const chosen = (family: string): readonly Style[] => {
  const { styles } = expectedOf(family);
  const plain = (['optimum', 'dynamo', 'torchscript'] as const).find(style => styles.includes(style))!;
  const other = (['int8', 'q4', 'fp16', 'ort', 'opset23', 'dynamo'] as const).find(style => styles.includes(style))!;
  return [...new Set([plain, other])];
};

const cases = families().flatMap(family => chosen(family).map(style => ({ family, style })));
const lines: string[] = [];

describe.each(cases)('$family, $style', ({ family, style }) => {
  let subject: Subject;
  beforeAll(async () => {
    const path = join(__dirname, `../fixtures/matrix/${family}/${style}.onnx.gz`);
    const files = memoryFiles(family, { 'model.onnx': gunzipSync(readFileSync(path)) });
    subject = await openModel(files, createNodeRuntime(), quiet);
  });
  afterAll(() => subject?.close());

  test('the way that is taken gives what whole forwards give', async () => {
    const { tower } = subject;
    if (!tower.head) {
      lines.push(`| ${family} | ${style} | no unembedding | no unembedding |`);
      return;
    }
    const vocabulary = tower.dVocab!;
    const base = rows(1, vocabulary);
    const source = { kind: 'run', ids: rows(4, vocabulary) } as const;
    const patches: SweepRequest = { base, source, readout, patches: patchesOf(subject, EVERY_PATCH) };
    const paths: PathSweepRequest = { base, source, readout, paths: pathsOf(subject, EVERY_PATH) };
    const found = [await subject.sweep(patches, quiet), await subject.pathSweep(paths, quiet)];
    const naive = [await sweepWhole(subject, patches, quiet), await pathSweepWhole(subject, paths, quiet)];
    for (const [at, result] of found.entries()) {
      expect(result.values.length).toBeGreaterThan(0);
      const { off, at: worst } = difference(result, naive[at]);
      const place = (at === 0 ? patches.patches : paths.paths)[Math.floor(worst / PROMPTS)];
      expect({ place, off, near: off <= (TOLERANCE[style] ?? SINGLE) }).toEqual({ place, off, near: true });
    }
    lines.push(`| ${family} | ${style} | ${found.map(({ method }) => method).join(' | ')} |`);
  });
});

/** WRITE_SWEEPS=1 writes it. */
test('docs/sweeps.md shows these ways', () => {
  const table = ['| family | file | patches | paths |', '|---|---|---|---|', ...lines].join('\n');
  const page = readFileSync(PAGE, 'utf8');
  const [start, end] = [page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)];
  if (process.env.WRITE_SWEEPS) {
    writeFileSync(PAGE, `${page.slice(0, start)}\n\n${table}\n\n${page.slice(end)}`);
  }
  expect(page.slice(start, end).trim()).toBe(table);
});
