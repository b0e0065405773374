import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, statSync, type BigIntStats } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

import type { DataFile } from '../onnx/data-file';

/** A file on disk that is not held open: whoever reads it checks that it is still what was there at first. */
export const dataFile = async (path: string): Promise<DataFile> => {
  const real = await realpath(path);
  const first = statSync(real, { bigint: true });
  const same = (now: BigIntStats | undefined): void => {
    if (now === undefined || FIELDS.some(field => now[field] !== first[field])) {
      throw new Error(
        `file changed: '${path}' is no longer what it was when its model was opened, so open the model again`
      );
    }
  };
  return {
    folder: dirname(real),
    name: basename(real),
    size: Number(first.size),
    read: (offset, length) => readBytes(real, same, offset, length),
    check: () => same(statSync(real, { bigint: true, throwIfNoEntry: false })),
    sha256: (start, end) => hashBytes(real, start, end)
  };
};

/** What tells one state of a file from another. */
const FIELDS = ['dev', 'ino', 'size', 'mtimeNs'] as const;

const readBytes = (path: string, same: (now: BigIntStats) => void, offset: number, length: number): Uint8Array => {
  const file = openSync(path, 'r');
  try {
    same(fstatSync(file, { bigint: true }));
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const read = readSync(file, bytes, at, Math.min(MOST_READ, length - at), offset + at);
      if (read === 0) {
        throw new Error(`file cut short: '${path}' ended at ${offset + at} bytes while it was read`);
      }
      at += read;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
};

/** Node reads at most 2 GiB at once. */
const MOST_READ = 2 ** 30;

const PIECE = 2 ** 20;

/** Through one buffer, so that no garbage is left. */
const hashBytes = async (path: string, start: number, end: number): Promise<Uint8Array> => {
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    const piece = new Uint8Array(PIECE);
    for (let at = start; at < end;) {
      const { bytesRead } = await file.read(piece, 0, Math.min(PIECE, end - at), at);
      if (bytesRead === 0) {
        throw new Error(`file cut short: '${path}' ended at ${at} of ${end} bytes while it was read`);
      }
      hash.update(piece.subarray(0, bytesRead));
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
  return new Uint8Array(hash.digest());
};
