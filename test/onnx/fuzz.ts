import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { recognise } from '../../src/anatomy/recognise';
import { decompose } from '../../src/graph/decompose/decompose';
import { random, type Random } from '../../src/maths/random';
import { collectWeights } from '../../src/onnx/collect-weights';
import { readModel } from '../../src/onnx/read-model';

/** A file changed at random, and what became of it. */
export interface FuzzCase {
  readonly seed: number;
  readonly file: string;
  readonly mutations: readonly string[];
  readonly milliseconds: number;
  /** Undefined where the file was still read. */
  readonly error?: unknown;
}

const FIXTURES = join(process.cwd(), 'test', 'fixtures');

/** Small files of several exporters, with fused and quantised operators. */
export const FILES: readonly string[] = [
  'models/attn-only/torchscript.onnx',
  'models/attn-only-rope/dynamo.onnx',
  'models/no-norm/dynamo.onnx',
  'models-fused/gpt2-opset23.onnx',
  'models-fused/llama-genai.onnx',
  'tracr/hist.onnx'
];

const contents = new Map<string, Uint8Array>();
const contentOf = (file: string): Uint8Array => {
  const found = contents.get(file) ?? new Uint8Array(readFileSync(join(FIXTURES, file)));
  contents.set(file, found);
  return found;
};

type Mutate = (bytes: Uint8Array, stream: Random) => Uint8Array;

const at = (bytes: Uint8Array, stream: Random): number => stream.below(Math.max(1, bytes.length));

const MUTATIONS: Readonly<Record<string, Mutate>> = {
  'bits flipped': (bytes, stream) => {
    const changed = bytes.slice();
    for (let count = 1 + stream.below(8); count > 0; count--) {
      changed[at(bytes, stream)] ^= 1 << stream.below(8);
    }
    return changed;
  },
  'cut off': (bytes, stream) => bytes.slice(0, at(bytes, stream)),
  'a length made huge': (bytes, stream) => {
    const changed = bytes.slice();
    const start = at(bytes, stream);
    changed.set([0xff, 0xff, 0xff, 0xff, 0x7f].slice(0, bytes.length - start), start);
    return changed;
  },
  'a piece repeated': (bytes, stream) => {
    const [start, end] = [at(bytes, stream), at(bytes, stream)].sort((a, b) => a - b);
    const piece = bytes.slice(start, Math.min(end, start + 4096));
    const grown = new Uint8Array(bytes.length + piece.length);
    grown.set(bytes.subarray(0, start));
    grown.set(piece, start);
    grown.set(bytes.subarray(start), start + piece.length);
    return grown;
  },
  'a piece left out': (bytes, stream) => {
    const start = at(bytes, stream);
    const length = stream.below(64) + 1;
    const shrunk = new Uint8Array(Math.max(0, bytes.length - length));
    shrunk.set(bytes.subarray(0, Math.min(start, shrunk.length)));
    shrunk.set(
      bytes.subarray(start + length).subarray(0, Math.max(0, shrunk.length - start)),
      Math.min(start, shrunk.length)
    );
    return shrunk;
  },
  'the front of the file changed': (bytes, stream) => {
    const changed = bytes.slice();
    for (let count = 1 + stream.below(16); count > 0; count--) {
      changed[stream.below(Math.min(4096, bytes.length))] = stream.below(256);
    }
    return changed;
  }
};

/** Reads, takes apart and recognises one changed file; equal seeds give equal cases. */
export const fuzzCase = (seed: number): FuzzCase => {
  const stream = random(seed);
  const file = FILES[stream.below(FILES.length)];
  const names = Object.keys(MUTATIONS);
  const mutations = Array.from({ length: 1 + stream.below(2) }, () => names[stream.below(names.length)]);
  const bytes = mutations.reduce((changed, name) => MUTATIONS[name](changed, stream), contentOf(file));
  const start = performance.now();
  try {
    const { model, weights } = collectWeights(readModel(bytes, file), new Map());
    recognise(decompose(model, weights).model, weights);
  } catch (error) {
    return { seed, file, mutations, milliseconds: performance.now() - start, error };
  }
  return { seed, file, mutations, milliseconds: performance.now() - start };
};

/** Longest that any file may keep one waiting. */
export const MOST_MILLISECONDS = 2000;

/** What is wrong with how a case ended; undefined where it was read, or refused in one sentence. */
export const faultOf = ({ error, milliseconds }: FuzzCase): string | undefined => {
  if (milliseconds > MOST_MILLISECONDS) {
    return `took ${milliseconds.toFixed(0)} ms`;
  }
  if (error === undefined) {
    return undefined;
  }
  if (!(error instanceof Error) || error.constructor !== Error) {
    return `an exception that nobody raised on purpose: ${String(error)} ${error instanceof Error ? (error.stack ?? '').split('\n')[1] : ''}`;
  }
  // Control characters of a hostile name would change the terminal that shows it.
  const control = [...error.message].some(character => character < ' ' || character === '\u007f');
  return error.message.length === 0 || error.message.length > 1000 || control
    ? `a message that is no sentence: ${JSON.stringify(error.message.slice(0, 200))}`
    : undefined;
};
