import { joinModels } from '../../graph/join-models';
import { collectWeights, weightStore } from '../../onnx/collect-weights';
import type { DataFile } from '../../onnx/data-file';
import { externalLocations, sizeOf, type ExternalFile, type ExternalFiles } from '../../onnx/external-data';
import { renamedWeight } from '../../onnx/file-weight';
import type { Model } from '../../onnx/model';
import { placeOf } from '../../onnx/place';
import { quoted } from '../../onnx/quoted';
import { readModel } from '../../onnx/read-model';
import { readOutline } from '../../onnx/read-outline';
import type { Weight, Weights } from '../../onnx/weights';
import { loadTokens } from '../../tokens/load-tokens';
import { parseTokenizer } from '../../tokens/tokenizer-json';
import type { Tokens } from '../../tokens/tokens';
import { UnsupportedTokenizer } from '../../tokens/unsupported-tokenizer';
import type { Context } from '../context';
import { contextLength } from './context-length';
import { decoderStart } from './decoder-start';
import type { FileEntry, ModelFiles } from './files';
import { modelHash } from './model-hash';
import { folderOf, pickModel } from './pick-model';

/** All that a model's files say. */
export interface ReadFiles {
  /** Name of the .onnx file; of an encoder's and a decoder's, which are one model then, the decoder's. */
  readonly file: string;
  readonly model: Model;
  readonly weights: Weights;
  readonly hash: string;
  /** Of the .onnx files and their external data. */
  readonly bytes: number;
  readonly tokens?: Tokens;
  readonly tokenizerHash?: string;
  /** Why the tokenizer.json that is there does not serve. */
  readonly tokenizerFault?: string;
  /** Longest sequence by `config.json`. */
  readonly contextLength?: number;
  /** What a decoder with an encoder begins with, by `config.json` or `generation_config.json`. */
  readonly decoderStart?: number;
  /** config.json and preprocessor_config.json, as parsed. */
  readonly config?: unknown;
  readonly preprocessor?: unknown;
}

/** Reads the .onnx file, or an encoder's and a decoder's, external data, and the tokenizer beside it or in the folder above. */
export const readFiles = async (files: ModelFiles, context: Context): Promise<ReadFiles> => {
  const entries = await files.list();
  const { file, encoder } = pickModel(entries, files.label, files.model);
  const read = reader(files, context);
  const data: ReadData = name => (files.dataFile ? files.dataFile(name) : read(name));
  const one = (name: string): Promise<ReadOne> => readOne(name, entries, { read, data, own: ownFile(files, entries) });
  const own = await one(file);
  const other = encoder === undefined ? undefined : await one(encoder);
  const all = [...own.all, ...(other?.all ?? [])];
  context.signal.throwIfAborted();
  return {
    file,
    ...(other ? joined(other, own) : { model: own.model, weights: own.weights }),
    hash: await modelHash(all),
    bytes: all.reduce((sum, one) => sum + sizeOf(one), 0),
    ...(await readTokens(file, entries, read)),
    ...(await readConfig(file, entries, read))
  };
};

interface ReadOne {
  readonly model: Model;
  readonly weights: Weights;
  /** The file, then its external data. */
  readonly all: readonly ExternalFile[];
}

interface Readers {
  readonly read: Read;
  readonly data: ReadData;
  readonly own: (name: string) => Promise<DataFile | undefined>;
}

const readOne = async (file: string, entries: readonly FileEntry[], { read, data, own }: Readers): Promise<ReadOne> => {
  const left = await own(file);
  const outline = left && (await aroundWeights(left));
  const bytes = outline ?? (await read(file));
  const parsed = readModel(bytes, file);
  const externals = await readExternals(parsed, file, entries, data);
  return {
    ...collectWeights(parsed, externals, outline && left),
    all: [outline && left ? left : bytes, ...externals.values()]
  };
};

/** Weights in a smaller .onnx file are held in memory with it. */
const LEAST_LEFT = 2 ** 24;

const ownFile =
  ({ dataFile }: ModelFiles, entries: readonly FileEntry[]) =>
  async (name: string): Promise<DataFile | undefined> =>
    (entries.find(entry => entry.name === name)?.size ?? 0) < LEAST_LEFT ? undefined : dataFile?.(name);

/** All of an .onnx file but its weights; undefined where it is broken, which who reads it whole can say, or where most of it is no weight. */
const aroundWeights = async (file: DataFile): Promise<Uint8Array | undefined> => {
  try {
    return await readOutline(file.size, async (start, end) => file.read(start, end - start), 'weights');
  } catch {
    file.check();
    return undefined;
  }
};

const joined = (encoder: ReadOne, decoder: ReadOne): Pick<ReadFiles, 'model' | 'weights'> => {
  const { model, renamed } = joinModels(encoder.model, decoder.model);
  const store = new Map<string, Weight>();
  for (const [{ weights }, nameOf] of [[decoder, same] as const, [encoder, renamed] as const]) {
    for (const old of weights.names()) {
      const name = nameOf(old);
      store.set(name, renamedWeight(weights.get(old)!, name));
    }
  }
  return { model, weights: weightStore(store) };
};

const same = (name: string): string => name;

type Read = (name: string) => Promise<Uint8Array>;
type ReadData = (name: string) => Promise<ExternalFile>;

const reader =
  (files: ModelFiles, { signal, progress }: Context): Read =>
  async name => {
    signal.throwIfAborted();
    return files.read(name, {
      signal,
      onBytes: (done, total) => progress({ done, total: total ?? done, label: `reading ${name}` })
    });
  };

/** By the location that the graph gives, which is relative to the .onnx file. */
const readExternals = async (
  model: Model,
  file: string,
  entries: readonly FileEntry[],
  read: ReadData
): Promise<ExternalFiles> => {
  const externals = new Map<string, ExternalFile>();
  for (const location of externalLocations(model)) {
    const name = folderOf(file) + location;
    if (!entries.some(entry => entry.name === name)) {
      throw new Error(
        `external data missing: ${quoted(location)}${firstUser(model, location)} is not beside '${file}'`
      );
    }
    externals.set(location, await read(name));
  }
  return externals;
};

const firstUser = (model: Model, location: string): string => {
  const user = model.graph.initializers.find(
    ({ data }) => data.kind === 'external' && data.entries.some(({ value }) => value === location)
  );
  return user ? ` (initialiser ${quoted(user.name)}${placeOf(user)})` : '';
};

/** In the folder of the .onnx file, or in the one above. */
const beside = (name: string, file: string, entries: readonly FileEntry[]): string | undefined =>
  [folderOf(file) + name, name].find(candidate => entries.some(entry => entry.name === candidate));

const readConfig = async (
  file: string,
  entries: readonly FileEntry[],
  read: Read
): Promise<Pick<ReadFiles, 'contextLength' | 'decoderStart' | 'config' | 'preprocessor'>> => {
  const configs: unknown[] = [];
  for (const name of ['config.json', 'generation_config.json', 'preprocessor_config.json']) {
    const config = beside(name, file, entries);
    configs.push(config === undefined ? undefined : parseTokenizer(await read(config), config, 'config'));
  }
  const [config, generation, preprocessor] = configs;
  const length = contextLength(config);
  const start = [config, generation].map(decoderStart).find(id => id !== undefined);
  return {
    config,
    preprocessor,
    ...(length !== undefined && { contextLength: length }),
    ...(start !== undefined && { decoderStart: start })
  };
};

const readTokens = async (
  file: string,
  entries: readonly FileEntry[],
  read: Read
): Promise<Pick<ReadFiles, 'tokens' | 'tokenizerHash' | 'tokenizerFault'>> => {
  const tokenizer = beside('tokenizer.json', file, entries);
  if (tokenizer === undefined) {
    return {};
  }
  const bytes = await read(tokenizer);
  const config = beside('tokenizer_config.json', file, entries);
  const names: unknown = config === undefined ? undefined : parseTokenizer(await read(config), config);
  return { ...tokensOrFault(parseTokenizer(bytes, tokenizer), names), tokenizerHash: await modelHash([bytes]) };
};

/** A tokenizer that the library cannot read keeps nobody from giving ids; a file that is broken is refused. */
const tokensOrFault = (tokenizer: unknown, config: unknown): Pick<ReadFiles, 'tokens' | 'tokenizerFault'> => {
  try {
    return { tokens: loadTokens(tokenizer, config) };
  } catch (error) {
    if (error instanceof UnsupportedTokenizer) {
      return { tokenizerFault: error.reason };
    }
    throw error;
  }
};
