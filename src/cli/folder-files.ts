import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import { dataFile } from './data-file';
import type { FileEntry, ModelFiles, ReadOptions } from '../subject/opening/files';

const PIECE = 16 * 1024 * 1024;
/** Levels of folders below the model's, and files in all. */
const MAX_LEVELS = 2;
const MAX_FILES = 5000;

/** A model on disk: a folder, or an .onnx file with the folder around it (of a folder `onnx`, the one above). Throws when the path does not exist. */
export const folderFiles = async (path: string): Promise<ModelFiles> => {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) {
    throw new Error(`no such file or folder: '${path}'`);
  }
  const { folder, model } = info.isDirectory() ? { folder: path, model: undefined } : await aroundFile(resolve(path));
  return {
    label: basename(resolve(path)),
    ...(model !== undefined && { model }),
    list: () => listFiles(folder, '', MAX_LEVELS),
    read: (name, options) => readFile(join(folder, name), options),
    dataFile: name => dataFile(join(folder, name))
  };
};

/** On the hub a model's files lie in its folder `onnx`, tokenizer and configuration in the one above. */
const aroundFile = async (file: string): Promise<{ readonly folder: string; readonly model: string }> => {
  const folder = dirname(file);
  const above = dirname(folder);
  return basename(folder) === 'onnx' && (await holdsCompanion(above))
    ? { folder: above, model: `onnx/${basename(file)}` }
    : { folder, model: basename(file) };
};

const holdsCompanion = async (folder: string): Promise<boolean> => {
  const found = ['tokenizer.json', 'config.json'].map(name => stat(join(folder, name)).catch(() => undefined));
  return (await Promise.all(found)).some(info => info?.isFile());
};

const listFiles = async (root: string, prefix: string, levels: number): Promise<readonly FileEntry[]> => {
  const found: FileEntry[] = [];
  for (const entry of await readdir(join(root, prefix), { withFileTypes: true })) {
    const name = `${prefix}${entry.name}`;
    const info = await stat(join(root, name)).catch(() => undefined);
    if (info?.isFile()) {
      found.push({ name, size: info.size });
    } else if (info?.isDirectory() && levels > 1 && !entry.name.startsWith('.')) {
      found.push(...(await listFiles(root, `${name}/`, levels - 1)));
    }
    if (found.length > MAX_FILES) {
      throw new Error(
        `folder too large: '${root}' holds more than ${MAX_FILES} files, so name the .onnx file's own folder`
      );
    }
  }
  return found;
};

/** In pieces: Node reads at most 2 GiB at once. */
const readFile = async (path: string, { signal, onBytes }: ReadOptions): Promise<Uint8Array> => {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(bytes, at, Math.min(PIECE, size - at), at);
      if (bytesRead === 0) {
        throw new Error(`file cut short: '${path}' ended at ${at} of ${size} bytes while it was read`);
      }
      at += bytesRead;
      onBytes?.(at, size);
    }
    return bytes;
  } finally {
    await file.close();
  }
};
