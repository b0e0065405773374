import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { residentBytes } from '../../bench/resident-bytes';
import { recognise } from '../../src/anatomy/recognise';
import { decompose } from '../../src/graph/decompose/decompose';
import { random, type Random } from '../../src/maths/random';
import { collectWeights } from '../../src/onnx/collect-weights';
import { externalLocations } from '../../src/onnx/external-data';
import { joinBytes } from '../../src/onnx/join-bytes';
import { readModel } from '../../src/onnx/read-model';
import { writeModel } from '../../src/onnx/write-model';
import { UnsupportedTokenizer } from '../../src/tokens/unsupported-tokenizer';
import { changedJson, SIDECARS } from './fuzz-sidecars';
import { STRUCTURES } from './fuzz-structures';

/** What a file changed at random came to. */
export interface FuzzOutcome {
  /** Of the processor. */
  readonly milliseconds: number;
  /** Memory taken beyond what was held before, in bytes. */
  readonly grown: number;
  /** Undefined where the file was still read. */
  readonly error?: unknown;
}

/** A file changed at random, not read yet. */
export interface FuzzCase {
  readonly file: string;
  readonly mutations: readonly string[];
  /** Of the changed file, without the weights that it had: what memory may be taken for. */
  readonly bytes: number;
  /** What a refusal must name: where in the bytes, or which part. */
  readonly place: RegExp;
  readonly run: () => void;
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

interface Content {
  readonly bytes: Uint8Array;
  /** Bytes of its weights. */
  readonly weights: number;
}

const contents = new Map<string, Content>();
const contentOf = (file: string): Content => {
  const found = contents.get(file) ?? contentIn(file);
  contents.set(file, found);
  return found;
};

const contentIn = (file: string): Content => {
  const bytes = new Uint8Array(readFileSync(join(FIXTURES, file)));
  const { initializers } = readModel(bytes, file).graph;
  const weights = initializers.reduce((sum, { data }) => sum + (data.kind === 'raw' ? data.bytes.length : 0), 0);
  return { bytes, weights };
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

/** Offset of the field, node or tensor that is meant, or of all that there is. */
const OF_MODEL =
  / at offset \d+|^not an ONNX file: '[^']+' \(\d+ bytes\) (does not parse as a model: its field at offset \d+|begins with byte|is empty|has no ir_version|holds no graph)/u;

const open = (bytes: Uint8Array, file: string): void => {
  const read = readModel(bytes, file);
  externalLocations(read);
  const { model, weights } = collectWeights(read, new Map());
  recognise(decompose(model, weights).model, weights);
};

const names = Object.keys(MUTATIONS);
const structures = Object.keys(STRUCTURES);

const ofModel = (file: string, mutations: readonly string[], bytes: Uint8Array, weights: number): FuzzCase => ({
  file,
  mutations,
  bytes: Math.max(0, bytes.length - weights),
  place: OF_MODEL,
  run: () => open(bytes, file)
});

/** Bytes changed, whatever they mean. */
const ofBytes = (stream: Random): FuzzCase => {
  const file = FILES[stream.below(FILES.length)];
  const mutations = Array.from({ length: 1 + stream.below(2) }, () => names[stream.below(names.length)]);
  const { bytes: original, weights } = contentOf(file);
  const bytes = mutations.reduce((changed, name) => MUTATIONS[name](changed, stream), original);
  return ofModel(file, mutations, bytes, weights);
};

/** A graph changed, and written again. */
const ofStructure = (stream: Random): FuzzCase => {
  const file = FILES[stream.below(FILES.length)];
  const mutations = Array.from({ length: 1 + stream.below(2) }, () => structures[stream.below(structures.length)]);
  const { bytes: original, weights } = contentOf(file);
  const model = mutations.reduce((changed, name) => STRUCTURES[name](changed, stream), readModel(original, file));
  return ofModel(file, mutations, joinBytes(writeModel(model)), weights);
};

/** A file beside the model. */
const ofSidecar = (stream: Random): FuzzCase => {
  const sidecar = SIDECARS[stream.below(SIDECARS.length)];
  const json = sidecar.name.endsWith('.json') && stream.below(4) > 0;
  const mutation = names[stream.below(names.length)];
  const bytes = json ? changedJson(sidecar.bytes(), stream) : MUTATIONS[mutation](sidecar.bytes(), stream);
  return {
    file: sidecar.name,
    mutations: [json ? 'a value replaced' : mutation],
    bytes: bytes.length,
    place: sidecar.place,
    run: () => sidecar.read(bytes)
  };
};

/** Of ten cases. */
const KINDS = [
  ofBytes,
  ofBytes,
  ofBytes,
  ofBytes,
  ofBytes,
  ofStructure,
  ofStructure,
  ofStructure,
  ofStructure,
  ofSidecar
];

/** Equal seeds give equal cases. */
export const fuzzCase = (seed: number): FuzzCase => {
  const stream = random(seed);
  return KINDS[stream.below(KINDS.length)](stream);
};

/** Reads, takes apart and recognises the changed file. */
export const runCase = ({ run }: FuzzCase): FuzzOutcome => {
  const before = freshPeak();
  const start = process.cpuUsage();
  const ended = (error?: unknown): FuzzOutcome => ({
    milliseconds: used(start),
    grown: peak() - before,
    ...(error !== undefined && { error })
  });
  try {
    run();
  } catch (error) {
    return ended(error ?? 'nothing');
  }
  return ended();
};

/** Of the processor, so that what else the machine does does not count. */
const used = (start: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
};

/** Linux lets a process forget its own peak: then each case is judged alone, else by what it takes above all cases before. */
const freshPeak = (): number => {
  if (existsSync('/proc/self/clear_refs')) {
    writeFileSync('/proc/self/clear_refs', '5');
  }
  return peak();
};

/** The most memory that the process had, in bytes. */
const peak = (): number =>
  existsSync('/proc/self/status') ? residentBytes('VmHWM') : process.resourceUsage().maxRSS * 1024;

/** Longest that any file may keep one waiting. */
export const MOST_MILLISECONDS = 2000;
const MOST_MEMORY = 64 * 2 ** 20;
const MEMORY_PER_BYTE = 40;

/** What is wrong with how a case ended; undefined where it was read, or refused in one sentence that names the place. */
export const faultOf = (
  { bytes, place }: FuzzCase,
  { error, milliseconds, grown }: FuzzOutcome
): string | undefined => {
  if (milliseconds > MOST_MILLISECONDS) {
    return `took ${milliseconds.toFixed(0)} ms`;
  }
  if (grown > MOST_MEMORY + MEMORY_PER_BYTE * bytes) {
    return `took ${(grown / 2 ** 20).toFixed(0)} MB of memory for ${bytes} bytes that are not weights`;
  }
  return error === undefined ? undefined : wrongSentence(error, place);
};

/** What is thrown on purpose. */
const OURS: ReadonlySet<unknown> = new Set([Error, UnsupportedTokenizer]);

const wrongSentence = (error: unknown, place: RegExp): string | undefined => {
  if (!(error instanceof Error) || !OURS.has(error.constructor)) {
    return `an exception that nobody raised on purpose: ${String(error)} ${error instanceof Error ? (error.stack ?? '').split('\n')[1] : ''}`;
  }
  // Control characters of a hostile name would change the terminal that shows it.
  const { message } = error;
  if (message.length === 0 || message.length > 1000 || /\p{Cc}/u.test(message)) {
    return `a message that is no sentence: ${JSON.stringify(message.slice(0, 200))}`;
  }
  return place.test(message) ? undefined : `a message without a place: ${JSON.stringify(message.slice(0, 200))}`;
};
