import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { WEIGHTS_FILE } from './weight-store';

/** TransformerLens in a process of its own, on the weights of a bench. */
export interface TransformerLens {
  ask<T>(question: object): Promise<T>;
  close(): void;
}

const FOLDER = '.cache/bench';

/** Writes the model for it, and waits until it is loaded. The environment is made the first time. */
export const transformerLens = async (
  files: { readonly model: Uint8Array; readonly weights: Uint8Array },
  threads: number
): Promise<TransformerLens> => {
  const python = execFileSync('node', ['scripts/bench-python.mjs'], {
    stdio: ['ignore', 'pipe', 'inherit']
  }).toString();
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'model.onnx'), files.model);
  writeFileSync(join(FOLDER, WEIGHTS_FILE), files.weights);
  const process = spawn(python, ['bench/baseline.py', FOLDER, String(threads)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  const next = async <T>(): Promise<T> => {
    const { value, done } = await lines.next();
    if (done) {
      throw new Error('TransformerLens ended: its words are above');
    }
    return JSON.parse(value) as T;
  };
  await next();
  return {
    ask: async question => {
      process.stdin.write(`${JSON.stringify(question)}\n`);
      return next();
    },
    close: () => process.kill()
  };
};
