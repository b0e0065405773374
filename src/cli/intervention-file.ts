import { dirname, isAbsolute, join, normalize, sep } from 'node:path';

import { readSafetensors } from '../onnx/safetensors';
import type { Tensor } from '../onnx/tensor';
import { readInterventions, type Intervention } from '../subject/interventions/interventions';
import type { TextOrIds } from '../subject/subject';
import { readWhole } from './files';

/** A run that interventions take values from. */
export type RunSource =
  | { readonly inputs: readonly TextOrIds[]; readonly cache?: undefined }
  | { readonly cache: ReadonlyMap<string, Tensor> };

/** What a file of interventions says, the tensors it refers to read. */
export interface InterventionFile {
  readonly path: string;
  readonly list: readonly Intervention[];
  readonly runs: Readonly<Record<string, RunSource>>;
  readonly seed: number;
}

const MOST_JSON_BYTES = 2 ** 26;
const MOST_TENSOR_BYTES = 2 ** 30;
const MOST_RUNS = 100;
const MOST_LINES = 100_000;
const FIELDS = ['interventions', 'runs', 'seed'];

type Json = Readonly<Record<string, unknown>>;

/**
 * A list of interventions, or `{"interventions": [...], "runs": {"clean": {"text": …}}, "seed": 0}`. A run is one of `text`, `texts`,
 * `ids` (a row or rows), `lines` (a text file, a text a line) and `cache` (a file that `orrery cache` wrote); a value may be `{"file": F.safetensors, "tensor": name}`. Files
 * are relative to this one and not above it. Throws one sentence for what is malformed.
 */
export const readInterventionFile = async (path: string): Promise<InterventionFile> => {
  const json = parse(await readWhole(path, MOST_JSON_BYTES), path);
  const whole: Json = Array.isArray(json) ? { interventions: json } : object(json, `'${path}'`);
  const strange = Object.keys(whole).find(name => !FIELDS.includes(name));
  if (strange !== undefined) {
    throw new Error(`field unknown: '${strange.slice(0, 40)}' of '${path}', wanted ${FIELDS.join(', ')}`);
  }
  const { interventions, runs = {}, seed = 0 } = whole;
  if (!Number.isSafeInteger(seed) || (seed as number) < 0) {
    throw new Error(`field wrong: seed of '${path}' is not a whole number from 0`);
  }
  const files = filesBeside(path);
  const list = Array.isArray(interventions)
    ? await Promise.all(interventions.map((item, at) => withTensor(item, `interventions[${at}].value`, files)))
    : interventions;
  return { path, list: readInterventions(list), runs: await readRuns(runs, files), seed: seed as number };
};

const parse = (bytes: Uint8Array, path: string): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Error(`interventions malformed: '${path}' is not JSON`);
  }
};

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const object = (value: unknown, at: string): Json => {
  if (!isObject(value)) {
    throw new Error(`interventions malformed: ${at} is not an object`);
  }
  return value;
};

/** Files beside the file of interventions. */
interface Files {
  tensors(name: string, at: string): Promise<ReadonlyMap<string, Tensor>>;
  lines(name: string, at: string): Promise<readonly string[]>;
}

/** Each file of tensors once. */
const filesBeside = (path: string): Files => {
  const read = new Map<string, Promise<ReadonlyMap<string, Tensor>>>();
  const inside = (name: string, at: string): string => {
    const relative = normalize(name);
    if (isAbsolute(relative) || relative.split(sep)[0] === '..') {
      throw new Error(`path refused: '${name}' of ${at} leaves the folder of '${path}'`);
    }
    return join(dirname(path), relative);
  };
  return {
    tensors: async (name, at) => {
      const file = inside(name, at);
      const tensors = read.get(file) ?? readWhole(file, MOST_TENSOR_BYTES).then(bytes => readSafetensors(bytes, file));
      read.set(file, tensors);
      return tensors;
    },
    lines: async (name, at) => linesOf(await readWhole(inside(name, at), MOST_JSON_BYTES), name, at)
  };
};

/** Empty lines are left out. */
const linesOf = (bytes: Uint8Array, name: string, at: string): readonly string[] => {
  const lines = new TextDecoder()
    .decode(bytes)
    .split(/\r?\n/)
    .filter(line => line.trim() !== '');
  if (lines.length === 0 || lines.length > MOST_LINES) {
    throw new Error(`run malformed: '${name}' of ${at} has ${lines.length} lines of text, wanted 1 to ${MOST_LINES}`);
  }
  return lines;
};

const withTensor = async (item: unknown, at: string, files: Files): Promise<unknown> => {
  const value = isObject(item) ? item.value : undefined;
  if (!isObject(value)) {
    return item;
  }
  const { file, tensor } = value;
  if (typeof file !== 'string' || typeof tensor !== 'string' || Object.keys(value).length !== 2) {
    throw new Error(`value wrong: ${at} is an object, wanted {"file": …, "tensor": …}`);
  }
  const found = (await files.tensors(file, at)).get(tensor);
  if (found === undefined) {
    throw new Error(`tensor missing: '${tensor}' of ${at} is not in '${file}'`);
  }
  return { ...(item as Json), value: found };
};

const readRuns = async (json: unknown, files: Files): Promise<Readonly<Record<string, RunSource>>> => {
  const entries = Object.entries(object(json, 'runs'));
  if (entries.length > MOST_RUNS) {
    throw new Error(`runs too many: ${entries.length}, at most ${MOST_RUNS}`);
  }
  const read = entries.map(
    async ([name, run]) => [name, await readRun(run, `runs.${name.slice(0, 40)}`, files)] as const
  );
  return Object.fromEntries(await Promise.all(read));
};

const readRun = async (json: unknown, at: string, files: Files): Promise<RunSource> => {
  const run = object(json, at);
  const [kind, ...more] = Object.keys(run);
  const value = run[kind];
  if (more.length === 0 && kind === 'text' && isText(value)) {
    return { inputs: [{ text: value }] };
  }
  if (more.length === 0 && kind === 'texts' && Array.isArray(value) && value.length > 0 && value.every(isText)) {
    return { inputs: value.map((text: string) => ({ text })) };
  }
  if (more.length === 0 && kind === 'ids' && Array.isArray(value) && value.length > 0) {
    const rows: readonly unknown[] = value.every(Array.isArray) ? value : [value];
    return { inputs: rows.map(ids => ({ ids: ids as readonly number[] })) };
  }
  if (more.length === 0 && kind === 'lines' && isText(value)) {
    return { inputs: (await files.lines(value, `${at}.lines`)).map(text => ({ text })) };
  }
  if (more.length === 0 && kind === 'cache' && isText(value)) {
    return { cache: await files.tensors(value, `${at}.cache`) };
  }
  throw new Error(`run malformed: ${at} wants one of text, texts, ids, lines and cache`);
};

const isText = (value: unknown): value is string => typeof value === 'string';
