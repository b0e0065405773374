import { readFile, stat, writeFile } from 'node:fs/promises';

/** A whole file; throws one sentence when it is not there or has more than `most` bytes. */
export const readWhole = async (path: string, most: number): Promise<Uint8Array> => {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined || !info.isFile()) {
    throw new Error(`no such file: '${path}'`);
  }
  if (info.size > most) {
    throw new Error(`file too large: '${path}' has ${info.size} bytes, at most ${most} are read`);
  }
  return readFile(path);
};

/** Throws one sentence when the file cannot be written. */
export const writeWhole = async (path: string, content: string | Uint8Array): Promise<void> => {
  try {
    await writeFile(path, content);
  } catch (error) {
    throw new Error(`cannot write: '${path}' (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`, {
      cause: error
    });
  }
};
