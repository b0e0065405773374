import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import type { Hook } from '../../src/anatomy/anatomy';
import { collectWeights } from '../../src/onnx/collect-weights';
import { toFloat64 } from '../../src/onnx/decode-tensor';
import { joinBytes } from '../../src/onnx/join-bytes';
import type { Model } from '../../src/onnx/model';
import { readModel } from '../../src/onnx/read-model';
import type { Tensor } from '../../src/onnx/tensor';
import type { Weights } from '../../src/onnx/weights';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Cache, ForwardRequest, Subject } from '../../src/subject/subject';
import { presentOutputs } from '../../src/surgery/present-outputs';
import { scramble } from '../fixtures/scramble';
import { memoryFiles, quiet } from './fixture-files';

const MATRIX = join(__dirname, '../fixtures/matrix');

export const STYLES = [
  'torchscript',
  'dynamo',
  'dynamo-eager',
  'opset23',
  'optimum',
  'optimum-with-past',
  'ort',
  'fp16',
  'int8',
  'q4'
] as const;
export type Style = (typeof STYLES)[number];

interface Sampled {
  readonly dims: readonly number[];
  readonly at: readonly number[];
  readonly values: readonly number[];
}

interface Batch {
  readonly ids?: readonly (readonly number[])[];
  /** What the decoder of an encoder–decoder reads, row by row. */
  readonly decoderIds?: readonly (readonly number[])[];
  /** By the graph's names for its inputs, instead of ids. */
  readonly tensors?: Readonly<Record<string, { readonly dims: readonly number[]; readonly values: readonly number[] }>>;
  readonly hooks: Readonly<Record<string, Sampled>>;
}

/** A text, a batch with padding behind the shorter row, and with padding before it; or an image, and two; or embeddings, and two rows of them; or a text and an image, and two of each; or two texts of one length; or a sound, and two. */
const BATCHES = ['text', 'padded', 'left', 'image', 'images', 'pair', 'pairs', 'texts', 'sound', 'sounds'] as const;

type Batches = Readonly<Partial<Record<(typeof BATCHES)[number], Batch>>>;

export interface Expected extends Batches {
  readonly styles: readonly Style[];
  /** Why an exporter wrote no file. */
  readonly absent: Readonly<Partial<Record<Style, string>>>;
  /** By style, the batches for which the file's own outputs in Python's onnxruntime are not the oracle's: it has no mask, or one that counts tokens. */
  readonly other: Readonly<Partial<Record<Style, readonly string[]>>>;
  /** With the weights as the file holds them, and for eight bits with what layers read rounded as well; not where that cannot be told. */
  readonly q4?: Batches;
  readonly int8?: Batches;
  /** The text's last token behind the others' keys and values, where the family has a file that takes a past. */
  readonly step?: Batch;
}

/** What became of one file, as it is and with its names gone. */
export interface Cell {
  readonly kind: 'verified' | 'partial' | 'refused' | 'wrong';
  /** The hooks that are not served, the refusal, or the hooks that differ. */
  readonly why: string;
}

export const families = (): readonly string[] => readdirSync(MATRIX).sort();

export const expectedOf = (family: string): Expected =>
  JSON.parse(readFileSync(join(MATRIX, family, 'expected.json'), 'utf8')) as Expected;

/**
 * Root mean square of the deviation over that of the values, at the sampled entries. Single precision through two sharp
 * layers: near 1e-6, so 2e-4 leaves room for other orders of summation. Half precision has eleven bits, and the softmaxes are sharp: 0.05.
 * Activations of eight bits: the oracle rounds as the file does and agrees to 1e-6, but for errors of 1e-7 that now and then turn a
 * rounding by one step of 255: 0.4 % of the largest value, 2 % of the usual one, which sharp softmaxes enlarge: 0.1. Where the oracle's are not rounded the values only resemble them; another tensor's are unlike (≥ 1).
 */
const TOLERANCE: Readonly<Partial<Record<Style, number>>> = { fp16: 0.05, int8: 0.1 };
const RESEMBLING = 0.6;
const SINGLE = 2e-4;

const deviation = (got: Tensor, { at, values }: Sampled): number => {
  const numbers = toFloat64(got);
  const square = (of: (value: number, i: number) => number): number =>
    values.reduce((sum, value, i) => sum + of(value, i) ** 2, 0);
  return Math.sqrt(square((value, i) => value - numbers[at[i]]) / square(value => value));
};

/** What a file with open sizes says nowhere else. */
const IMAGE_CONFIG = new TextEncoder().encode('{"image_size": 16}');

/** Outputs of the model, whatever the file calls them: one of the wanted sizes must have the values. */
const JOINT = 'logits_per_image';
const OUTPUTS = new Set(['output', JOINT, 'text_embeds', 'image_embeds', 'start_logits', 'end_logits']);
const isOutput = (name: string): boolean => OUTPUTS.has(name);

const alikeIn =
  (cache: Cache, { dims }: Sampled) =>
  (output: string): boolean =>
    cache.get(output).dims.slice(1).join() === dims.slice(1).join();

/** The oracle's logits are the unembedding's output. */
const served = (name: string): string => (name === 'logits' ? 'unembed.hook_out' : name);

export const examine = async (family: string, style: Style): Promise<Cell> => {
  const files = filesOf(family, style);
  const plain = await examineFiles(files, family, style);
  if (plain.kind === 'refused') {
    return plain;
  }
  const bare = Object.entries(files).map(([name, bytes], i) => [name, withoutNames(bytes, name, 7 + i)] as const);
  const scrambled = await examineFiles(Object.fromEntries(bare), family, style);
  return scrambled.kind === plain.kind || plain.kind === 'wrong'
    ? plain
    : { ...scrambled, why: `with its names gone: ${scrambled.why || scrambled.kind}` };
};

type Files = Readonly<Record<string, Uint8Array>>;

/** One file, or an encoder's and a decoder's, by the names that a folder has them under. */
const filesOf = (family: string, style: Style): Files => {
  const read = (part: string): Uint8Array => gunzipSync(readFileSync(join(MATRIX, family, `${style}${part}.onnx.gz`)));
  return existsSync(join(MATRIX, family, `${style}.onnx.gz`))
    ? { 'model.onnx': read('') }
    : { 'encoder_model.onnx': read('.encoder'), 'decoder_model.onnx': read('.decoder') };
};

const withoutNames = (bytes: Uint8Array, name: string, seed: number): Uint8Array => {
  const { model, weights } = collectWeights(readModel(bytes, name), new Map());
  const bare = scramble(model, weights, seed);
  return bytesOf(bare.model, bare.weights);
};

const examineFiles = async (files: Files, family: string, style: Style): Promise<Cell> => {
  const expected = expectedOf(family);
  let subject: Subject;
  try {
    const beside: Files = expected.image || expected.pair ? { 'config.json': IMAGE_CONFIG } : {};
    const given = { ...memoryFiles(family, { ...files, ...beside }), ...soundSizes(files, expected) };
    subject = await openModel(given, createNodeRuntime(), quiet);
  } catch (error) {
    return { kind: 'refused', why: (error as Error).message.replace(/^model refused: '\w+\.onnx': /, '') };
  }
  const hooks = new Map(subject.anatomy.hooks.map(hook => [hook.name, hook]));
  const wanted = Object.keys((expected.text ?? expected.image ?? expected.pair ?? expected.sound)!.hooks);
  const usable = wanted.filter(hook => isOutput(hook) || hooks.get(served(hook))?.status === 'verified');
  const differing = new Set<string>();
  const batches: Batches = (style === 'q4' || style === 'int8' ? expected[style] : undefined) ?? expected;
  const tolerance = style === 'int8' && !expected.int8 ? RESEMBLING : (TOLERANCE[style] ?? SINGLE);
  const other = expected.other[style] ?? [];
  for (const batch of BATCHES.flatMap(name => (other.includes(name) ? [] : (batches[name] ?? [])))) {
    for (const hook of await differences(subject, batch, usable, { tolerance, alone: style === 'int8' })) {
      differing.add(hook);
    }
  }
  if (style === 'optimum-with-past' && expected.step && !other.includes('step')) {
    for (const hook of await stepDifferences(subject, files['model.onnx'], expected, tolerance)) {
      differing.add(hook);
    }
  }
  await subject.close();
  if (differing.size > 0) {
    return { kind: 'wrong', why: [...differing].join(', ') };
  }
  const missing = wanted.filter(hook => !usable.includes(hook)).map(hook => lack(hook, hooks.get(served(hook))));
  return missing.length > 0 ? { kind: 'partial', why: missing.join(', ') } : { kind: 'verified', why: '' };
};

/** A file of samples is opened for sounds of these sizes, whatever its input is called. */
const soundSizes = (files: Files, { sound }: Expected): { readonly dims?: ReadonlyMap<string, readonly number[]> } => {
  const dims = sound?.tensors?.input_values?.dims;
  const inputs = Object.entries(files).flatMap(([name, bytes]) => readModel(bytes, name).graph.inputs);
  return dims ? { dims: new Map(inputs.map(({ name }) => [name, dims])) } : {};
};

const lack = (name: string, hook: Hook | undefined): string =>
  hook ? `${name} (${hook.status}: ${hook.why ?? ''})` : name;

/** Hooks whose values are not the oracle's. `alone`: rounding takes one scale for all of a run, the oracle ran each row by itself. */
const differences = async (
  subject: Subject,
  batch: Batch,
  names: readonly string[],
  { tolerance, alone }: { readonly tolerance: number; readonly alone: boolean }
): Promise<readonly string[]> => {
  const caches: Cache[] = [];
  const outputs = names.some(isOutput) ? subject.outputs : [];
  const asked = names.filter(name => !isOutput(name)).map(served);
  for (const [at, rows] of rowsOf(subject, batch, alone || batch.decoderIds !== undefined).entries()) {
    const other = batch.decoderIds?.[at];
    const read = other ? subject.reading!({ tower: 'encoder', other: { ids: other } }) : subject;
    caches.push(await read.forward({ ...rows, hooks: asked, outputs }, quiet));
  }
  const { hooks } = batch;
  return names.flatMap(name => {
    // Of rows run alone there is a logit for each pair of one row, not for all pairs.
    if (alone && name === JOINT && hooks[name].dims[0] > 1) {
      return [];
    }
    const sources = isOutput(name) ? outputs.filter(alikeIn(caches[0], hooks[name])) : [served(name)];
    const found = sources.map(source =>
      unlike(name, joined(caches.map(cache => cache.get(source))), hooks[name], tolerance)
    );
    return found.find(({ length }) => length === 0) ?? found[0] ?? [`${name} (no output of its sizes)`];
  });
};

const unlike = (name: string, got: Tensor, wanted: Sampled, tolerance: number): readonly string[] => {
  const error = deviation(got, wanted);
  const same = got.dims.join() === wanted.dims.join();
  return same && error <= tolerance ? [] : [`${name} (${same ? error.toExponential(1) : got.dims.join()})`];
};

/** The text's first tokens, then its last one with their keys and values fed: what is shown then, the cached keys and values included. */
const stepDifferences = async (
  subject: Subject,
  bytes: Uint8Array,
  { text, step }: Expected,
  tolerance: number
): Promise<readonly string[]> => {
  const presents = presentOutputs(readModel(bytes, 'model.onnx'), subject.anatomy)!;
  const texts = text!.ids!;
  const given = masks(subject, texts);
  const { hooks } = step!;
  const ids = step!.ids!;
  const first = await subject.forward(
    { ids: texts.map(row => row.slice(0, -1)), hooks: [], outputs: [...presents.values()] },
    quiet
  );
  const past = [...presents].map(([input, output]) => [input, first.get(output)] as const);
  const fresh = subject.anatomy.inputs.flatMap(({ name, role }) =>
    role === 'attention_mask' ? [[name, given[name]]] : role === 'position_ids' ? [[name, lastOf(given[name])]] : []
  );
  const known = new Map(subject.anatomy.hooks.map(hook => [hook.name, hook]));
  const wanted = Object.keys(hooks).map(name => [name, stepHook(name, known)] as const);
  const missing = wanted.flatMap(([name, hook]) =>
    known.get(hook)?.status === 'verified' ? [] : [`step: ${name} (missing)`]
  );
  const feeds = Object.fromEntries([...past, ...fresh]) as Readonly<Record<string, Tensor>>;
  const asked = wanted.filter(([, hook]) => known.get(hook)?.status === 'verified');
  const cache = await subject.forward({ ids, hooks: asked.map(([, hook]) => hook), feeds }, quiet);
  return [
    ...missing,
    ...asked.flatMap(([name, hook]) => unlike(`step: ${name}`, cache.get(hook), hooks[name], tolerance))
  ];
};

/** Caches hold rotated keys. */
const stepHook = (name: string, known: ReadonlyMap<string, Hook>): string => {
  const [keys, rotated] = [name.replace(/keys$/, 'hook_k'), name.replace(/keys$/, 'hook_rot_k')];
  return known.get(rotated)?.cached ? rotated : served(keys.replace(/values$/, 'hook_v'));
};

const lastOf = ({ dims, type, data }: Tensor): Tensor => ({
  dims: [dims[0], 1],
  type,
  data: data.slice(-1)
});

const joined = (rows: readonly Tensor[]): Tensor => ({
  dims: [rows.reduce((sum, { dims }) => sum + dims[0], 0), ...rows[0].dims.slice(1)],
  type: 'float32',
  data: Float32Array.from(rows.flatMap(({ data }) => Array.from(data, Number)))
});

/** The rows of a batch together, or each by itself. */
const rowsOf = (
  subject: Subject,
  { ids, tensors = {} }: Batch,
  alone: boolean
): readonly Pick<ForwardRequest, 'ids' | 'feeds'>[] => {
  const [given] = Object.values(tensors);
  const looked = given && partsOf(given, alone);
  // Names may be gone: one input is read instead of ids.
  const name = subject.anatomy.towers.find(({ content }) => content)?.content?.input ?? '';
  if (ids) {
    return (alone ? ids.map(one => [one]) : [ids]).map((rows, at) => ({
      ids: rows,
      feeds: { ...masks(subject, rows), ...(looked && { [name]: looked[at] }) }
    }));
  }
  return looked!.map(part => subject.tensorInput(new Map([[name, part]]), 'row'));
};

/** Row by row, or all rows together. */
const partsOf = ({ dims, values }: NonNullable<Batch['tensors']>[string], alone: boolean): readonly Tensor[] => {
  const count = alone ? 1 : dims[0];
  const size = (values.length / dims[0]) * count;
  return Array.from({ length: dims[0] / count }, (_, row) => ({
    dims: [count, ...dims.slice(1)],
    type: 'float32',
    data: Float32Array.from(values.slice(row * size, (row + 1) * size))
  }));
};

/** Id 0 is padding, which a decoder is not given here; positions are counted without it. */
const masks = ({ anatomy }: Subject, ids: readonly (readonly number[])[]): Readonly<Record<string, Tensor>> => {
  const rows = ids.map(row => row.map(id => (id === 0 ? 0 : 1)));
  const counted = rows.map(row =>
    row.map((_, at) =>
      Math.max(
        0,
        row.slice(0, at + 1).reduce((a, b) => a + b, -1)
      )
    )
  );
  const dims = [ids.length, ids[0].length];
  const [{ embedding }] = anatomy.towers;
  return Object.fromEntries(
    anatomy.inputs.flatMap(({ name, role, positions = embedding?.ids }) => {
      const values = role === 'attention_mask' ? rows : role === 'position_ids' ? counted : undefined;
      return values && positions === embedding?.ids
        ? [[name, { dims, type: 'int64', data: BigInt64Array.from(values.flat(), BigInt) } as const]]
        : [];
    })
  );
};

/** One file of a model whose weights are in a store. */
const bytesOf = (model: Model, weights: Weights): Uint8Array => {
  const initializers = model.graph.initializers.map(tensor =>
    tensor.data.kind === 'weight'
      ? { ...tensor, data: { kind: 'raw' as const, bytes: weights.get(tensor.name)!.bytes } }
      : tensor
  );
  return joinBytes(writeModel({ ...model, graph: { ...model.graph, initializers } }));
};
