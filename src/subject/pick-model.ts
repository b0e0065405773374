import type { FileEntry } from './files';

const USUAL = ['model.onnx', 'onnx/model.onnx'];
const LISTED = 12;

/** The .onnx file of a folder: the only one, else `model.onnx`, else `onnx/model.onnx`. `label` is the folder's name in errors. */
export const pickModel = (entries: readonly FileEntry[], label: string): string => {
  const found = entries.map(({ name }) => name).filter(name => name.toLowerCase().endsWith('.onnx'));
  if (found.length === 1) {
    return found[0];
  }
  const usual = USUAL.find(name => found.includes(name));
  if (usual !== undefined) {
    return usual;
  }
  throw new Error(
    found.length === 0
      ? `no model: '${label}' holds no .onnx file (${listed(entries.map(({ name }) => name))})`
      : `model ambiguous: '${label}' holds ${found.length} .onnx files and none is model.onnx (${listed(found)})`
  );
};

/** The folder of a file's name, with its slash; '' for the root. */
export const folderOf = (name: string): string => name.slice(0, name.lastIndexOf('/') + 1);

const listed = (names: readonly string[]): string =>
  names.length === 0
    ? 'it is empty'
    : names.slice(0, LISTED).join(', ') + (names.length > LISTED ? ` and ${names.length - LISTED} more` : '');
