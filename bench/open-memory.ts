import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { atMost, type Bench } from './bench';
import { GPT2_SMALL, gpt2Files } from './gpt2';
import { inOneFile } from './in-one-file';
import { WEIGHTS_FILE } from './weight-store';

const FOLDER = '.cache/bench/open';
const TARGET = 2.2;
/** 500 MB of weights. */
const SIZES = { ...GPT2_SMALL, vocabulary: 25500 };

type Files = Readonly<Record<string, Uint8Array>>;

const FORMS: readonly { readonly name: string; readonly where: string; readonly files: () => Files }[] = [
  {
    name: 'open-memory',
    where: 'beside the graph',
    files: () => {
      const { model, weights } = gpt2Files(SIZES);
      return { 'model.onnx': model, [WEIGHTS_FILE]: weights };
    }
  },
  {
    name: 'open-memory-one-file',
    where: 'inside the .onnx file',
    files: () => ({ 'model.onnx': inOneFile(gpt2Files(SIZES)) })
  }
];

/** Peak of resident memory of a process that opens a model from disk, against the model's size: external data, and one file. */
export const openMemoryBenches: readonly Bench[] = FORMS.map(({ name, where, files }) => ({
  name,
  run: async () => {
    mkdirSync(FOLDER, { recursive: true });
    try {
      const size = written(files());
      const told = execFileSync('node', ['scripts/run-typescript.mjs', 'bench/measure-open.ts', FOLDER], {
        stdio: ['ignore', 'pipe', 'inherit']
      }).toString();
      const { peak, before } = JSON.parse(told) as { readonly peak: number; readonly before: number };
      return atMost({
        name,
        value: peak / size,
        unit: '× the files',
        target: TARGET,
        detail: `${megabytes(size)} MB, weights ${where}, opened and certified in a process of its own: ${megabytes(peak)} MB at the peak, ${megabytes(before)} MB of them before it began`
      });
    } finally {
      rmSync(FOLDER, { recursive: true, force: true });
    }
  }
}));

/** Bytes in all. */
const written = (files: Files): number => {
  Object.entries(files).forEach(([name, bytes]) => writeFileSync(join(FOLDER, name), bytes));
  return Object.values(files).reduce((sum, { length }) => sum + length, 0);
};

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
