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
  const plain = (['optimum', 'dynamo', 'torchscript', 'optimum-with-past'] as const).find(style =>
    styles.includes(style)
  );
  const other = (['int8', 'q4', 'fp16', 'ort', 'opset23', 'dynamo'] as const).find(style => styles.includes(style));
  return [...new Set([plain, other])].filter(style => style !== undefined);
};

/** Not images and embeddings, which have no ids to compare. */
const isSwept = (family: string): boolean => 'text' in expectedOf(family);

/** What the decoder of an encoder–decoder looks at. */
const SOURCE = [3, 9, 4, 11, 5, 8, 2];

const open = async (family: string, style: Style): Promise<Subject> => {
  const path = (part: string): string => join(__dirname, `../fixtures/matrix/${family}/${style}${part}.onnx.gz`);
  const read = (part: string): Uint8Array => gunzipSync(readFileSync(path(part)));
  const files: Readonly<Record<string, Uint8Array>> = existsSync(path(''))
    ? { 'model.onnx': read('') }
    : { 'encoder_model.onnx': read('.encoder'), 'decoder_model.onnx': read('.decoder') };
  const subject = await openModel(memoryFiles(family, files), createNodeRuntime(), quiet);
  return subject.reading ? subject.reading({ tower: 'decoder', other: { ids: SOURCE } }) : subject;
};

/** Multi-head latent attention has none of its own: the pieces cannot be cut at them. */
const withoutQueries = ({ anatomy }: Subject): boolean =>
  !anatomy.hooks.some(({ name, status }) => name.endsWith('blocks.0.attn.hook_q') && status === 'verified');

const cases = families()
  .filter(isSwept)
  .flatMap(family => chosen(family).map(style => ({ family, style })));
const lines: string[] = [];

describe.each(cases)('$family, $style', ({ family, style }) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(family, style);
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
        // Attention and MLP are one piece, so that a stream between blocks is not made of what both wrote; or tokens cannot travel packed.
        const loose = tower.causal && style !== 'int8' && found[0].method === 'layers';
        const onePiece = at === 1 && (loose || (style === 'int8' && tower.parallel));
        expect({ at, why: onePiece || withoutQueries(subject) }).toEqual({ at, why: true });
        continue;
      }
      const { off, at: worst } = difference(result, await naive[at]());
      const place = places[Math.floor(worst / PROMPTS)];
      expect({ place, off, near: off <= (TOLERANCE[style] ?? SINGLE) }).toEqual({ place, off, near: true });
    }
    lines.push(`| ${family} | ${style} | ${found.map(({ method }) => method).join(' | ')} |`);
  });
});

test("places that the decoder's pieces do not have are run whole, and that is said before", async () => {
  const subject = await open('bart', 'optimum');
  const vocabulary = subject.tower.dVocab!;
  const base = rows(1, vocabulary);
  const source = { kind: 'zero' } as const;
  const encoder: SweepRequest = {
    base,
    source,
    readout,
    patches: [{ hook: 'encoder.blocks.0.attn.hook_z', heads: [1] }]
  };
  const keys: SweepRequest = { ...encoder, patches: [{ hook: 'decoder.blocks.1.cross_attn.hook_v', heads: [0] }] };
  const sender = { hook: 'decoder.blocks.0.attn.hook_z', heads: [0] };
  const paths: PathSweepRequest = {
    base,
    source,
    readout,
    paths: [{ sender, receivers: [{ hook: 'decoder.blocks.1.cross_attn.hook_q' }] }]
  };
  expect([encoder, keys].map(request => subject.sweepCost(request).method)).toEqual(['whole', 'whole']);
  expect(subject.pathSweepCost(paths).method).toBe('whole');
  for (const result of [
    await subject.sweep(encoder, quiet),
    await subject.sweep(keys, quiet),
    await subject.pathSweep(paths, quiet)
  ]) {
    expect(result.method).toBe('whole');
    expect(Math.abs(result.values[0] - result.base[0])).toBeGreaterThan(1e-3);
  }
  await subject.close();
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
