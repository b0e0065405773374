import type { FileEntry } from './files';

const USUAL = ['model.onnx', 'onnx/model.onnx'];
const LISTED = 12;

/** The .onnx file to open, and the encoder's where it is a decoder's that reads one. */
export interface PickedModel {
  readonly file: string;
  readonly encoder?: string;
}

/**
 * The .onnx file of a folder: the only one, else `model.onnx`, else `onnx/model.onnx`, else a pair of `encoder_model.onnx` and
 * `decoder_model.onnx` (or `decoder_model_merged.onnx`), with one ending on both. `named` is the file that the user means: a decoder's is
 * opened with its encoder's beside it. `label` is the folder's name in errors.
 */
export const pickModel = (entries: readonly FileEntry[], label: string, named?: string): PickedModel => {
  const found = entries.map(({ name }) => name).filter(name => name.toLowerCase().endsWith('.onnx'));
  if (named !== undefined) {
    return pairOf(found, named);
  }
  if (found.length === 1) {
    return { file: found[0] };
  }
  const usual = USUAL.find(name => found.includes(name));
  if (usual !== undefined) {
    return { file: usual };
  }
  const pairs = found.map(name => pairOf(found, name)).filter(({ encoder }) => encoder !== undefined);
  const [pair] = pairs.sort((a, b) => a.file.length - b.file.length || (a.file < b.file ? -1 : 1));
  if (pair && new Set(pairs.map(({ encoder }) => endingOf(encoder!))).size === 1) {
    return pair;
  }
  const plain = pairs.find(({ encoder }) => endingOf(encoder!) === '');
  if (plain) {
    return plain;
  }
  throw new Error(
    found.length === 0
      ? `no model: '${label}' holds no .onnx file (${listed(entries.map(({ name }) => name))})`
      : `model ambiguous: '${label}' holds ${found.length} .onnx files and none is model.onnx (${listed(found)})`
  );
};

const DECODER = /(?:^|\/)decoder_model(?:_merged)?(?:_(?!merged|with_past)([\w-]+))?\.onnx$/;
const ENCODER = /(?:^|\/)encoder_model(?:_([\w-]+))?\.onnx$/;

const endingOf = (encoder: string): string => ENCODER.exec(encoder)?.[1] ?? '';

/** With the encoder's file of the same folder and ending, where the name is a decoder's. */
const pairOf = (found: readonly string[], file: string): PickedModel => {
  const match = DECODER.exec(file);
  const encoder = match && `${folderOf(file)}encoder_model${match[1] === undefined ? '' : `_${match[1]}`}.onnx`;
  return encoder && found.includes(encoder) ? { file, encoder } : { file };
};

/** The folder of a file's name, with its slash; '' for the root. */
export const folderOf = (name: string): string => name.slice(0, name.lastIndexOf('/') + 1);

const listed = (names: readonly string[]): string =>
  names.length === 0
    ? 'no file is in it or in a folder of it'
    : names.slice(0, LISTED).join(', ') + (names.length > LISTED ? ` and ${names.length - LISTED} more` : '');
