import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { atMost, type Bench } from './bench';
import { GPT2_SMALL, gpt2Files } from './gpt2';
import { WEIGHTS_FILE } from './weight-store';

const FOLDER = '.cache/bench/open';
const TARGET = 2.2;
/** 500 MB of weights. */
const SIZES = { ...GPT2_SMALL, vocabulary: 25500 };

/** Peak of resident memory of a process that opens a model from disk, against the model's size. */
export const openMemory: Bench = {
  name: 'open-memory',
  run: async () => {
    const { model, weights } = gpt2Files(SIZES);
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, 'model.onnx'), model);
    writeFileSync(join(FOLDER, WEIGHTS_FILE), weights);
    try {
      const told = execFileSync('node', ['scripts/run-typescript.mjs', 'bench/measure-open.ts', FOLDER], {
        stdio: ['ignore', 'pipe', 'inherit']
      }).toString();
      const { peak, before } = JSON.parse(told) as { readonly peak: number; readonly before: number };
      const size = model.length + weights.length;
      return atMost({
        name: 'open-memory',
        value: peak / size,
        unit: '× the files',
        target: TARGET,
        detail: `${megabytes(size)} MB opened and certified in a process of its own: ${megabytes(peak)} MB at the peak, ${megabytes(before)} MB of them before it began`
      });
    } finally {
      rmSync(FOLDER, { recursive: true, force: true });
    }
  }
};

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
