import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
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
const [EVERY_PATCH, EVERY_PATH] = [41, 17];
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

/** Not encoder–decoders, whose blocks have two attentions and which are swept whole; not images and embeddings, which have no ids to compare. */
const isSwept = (family: string): boolean =>
  'text' in expectedOf(family) && !existsSync(join(__dirname, `../fixtures/matrix/${family}/optimum.encoder.onnx.gz`));
const cases = families()
  .filter(isSwept)
  .flatMap(family => chosen(family).map(style => ({ family, style })));
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
    const naive = [() => sweepWhole(subject, patches, quiet), () => pathSweepWhole(subject, paths, quiet)];
    for (const [at, result] of found.entries()) {
      const places = at === 0 ? patches.patches : paths.paths;
      expect(places.length).toBeGreaterThan(0);
      if (result.method === 'whole') {
        // Attention and MLP are one piece, so that a stream between blocks is not made of what both wrote.
        expect({ at, style, parallel: tower.parallel }).toEqual({ at: 1, style: 'int8', parallel: true });
        continue;
      }
      const { off, at: worst } = difference(result, await naive[at]());
      const place = places[Math.floor(worst / PROMPTS)];
      expect({ place, off, near: off <= (TOLERANCE[style] ?? SINGLE) }).toEqual({ place, off, near: true });
    }
    lines.push(`| ${family} | ${style} | ${found.map(({ method }) => method).join(' | ')} |`);
  });
});

const startOf = (page: string): number => page.indexOf(BEGIN) + BEGIN.length;

/** WRITE_SWEEPS=1 writes it. */
test('docs/sweeps.md shows these ways', () => {
  const table = ['| family | file | patches | paths |', '|---|---|---|---|', ...lines].join('\n');
  const before = readFileSync(PAGE, 'utf8');
  if (process.env.WRITE_SWEEPS) {
    writeFileSync(PAGE, `${before.slice(0, startOf(before))}\n\n${table}\n\n${before.slice(before.indexOf(END))}`);
  }
  const page = readFileSync(PAGE, 'utf8');
  expect(page.slice(startOf(page), page.indexOf(END)).trim()).toBe(table);
});
