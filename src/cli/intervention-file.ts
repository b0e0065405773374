import { dirname, isAbsolute, join, normalize, sep } from 'node:path';

import { readSafetensors } from '../onnx/safetensors';
import type { Tensor } from '../onnx/tensor';
import { readInterventions, type Intervention } from '../subject/interventions';
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
const FIELDS = ['interventions', 'runs', 'seed'];

type Json = Readonly<Record<string, unknown>>;

/**
 * A list of interventions, or `{"interventions": [...], "runs": {"clean": {"text": …}}, "seed": 0}`. A run is one of `text`, `texts`,
 * `ids` (a row or rows) and `cache` (a file that `orrery cache` wrote); a value may be `{"file": F.safetensors, "tensor": name}`. Files
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
  const files = fileReader(path);
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

type ReadFile = (name: string, at: string) => Promise<ReadonlyMap<string, Tensor>>;

/** Each file once. */
const fileReader = (path: string): ReadFile => {
  const read = new Map<string, Promise<ReadonlyMap<string, Tensor>>>();
  return (name, at) => {
    const relative = normalize(name);
    if (isAbsolute(relative) || relative.split(sep)[0] === '..') {
      throw new Error(`path refused: '${name}' of ${at} leaves the folder of '${path}'`);
    }
    const file = join(dirname(path), relative);
    const tensors = read.get(file) ?? readWhole(file, MOST_TENSOR_BYTES).then(bytes => readSafetensors(bytes, file));
    read.set(file, tensors);
    return tensors;
  };
};

const withTensor = async (item: unknown, at: string, files: ReadFile): Promise<unknown> => {
  const value = isObject(item) ? item.value : undefined;
  if (!isObject(value)) {
    return item;
  }
  const { file, tensor } = value;
  if (typeof file !== 'string' || typeof tensor !== 'string' || Object.keys(value).length !== 2) {
    throw new Error(`value wrong: ${at} is an object, wanted {"file": …, "tensor": …}`);
  }
  const found = (await files(file, at)).get(tensor);
  if (found === undefined) {
    throw new Error(`tensor missing: '${tensor}' of ${at} is not in '${file}'`);
  }
  return { ...(item as Json), value: found };
};

const readRuns = async (json: unknown, files: ReadFile): Promise<Readonly<Record<string, RunSource>>> => {
  const entries = Object.entries(object(json, 'runs'));
  if (entries.length > MOST_RUNS) {
    throw new Error(`runs too many: ${entries.length}, at most ${MOST_RUNS}`);
  }
  const read = entries.map(
    async ([name, run]) => [name, await readRun(run, `runs.${name.slice(0, 40)}`, files)] as const
  );
  return Object.fromEntries(await Promise.all(read));
};

const readRun = async (json: unknown, at: string, files: ReadFile): Promise<RunSource> => {
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
  if (more.length === 0 && kind === 'cache' && isText(value)) {
    return { cache: await files(value, `${at}.cache`) };
  }
  throw new Error(`run malformed: ${at} wants one of text, texts, ids and cache`);
};

const isText = (value: unknown): value is string => typeof value === 'string';
