import { sizeOf, type ExternalFile } from '../../onnx/external-data';
import { hex, sha256 } from './sha256';

/** WebCrypto takes one buffer; 1 GiB is below every engine's limit. */
const PIECE = 2 ** 30;

/**
 * 'sha256:' and 64 hex digits. Of one file: its SHA-256. Of a model with external data: the SHA-256 of the files' 32-byte
 * hashes one after the other, the .onnx file first, then the others in the order in which the graph first uses them; behind a decoder's
 * files come its encoder's in the same order.
 * A file above 1 GiB is hashed in pieces of 1 GiB, and its hash is that of the pieces' hashes one after the other.
 */
export const modelHash = async (files: readonly ExternalFile[]): Promise<string> => {
  const hashes: Uint8Array[] = [];
  for (const file of files) {
    hashes.push(await fileHash(file));
  }
  return `sha256:${hex(await combined(hashes))}`;
};

const fileHash = async (file: ExternalFile): Promise<Uint8Array> => {
  const hashes: Uint8Array[] = [];
  const size = sizeOf(file);
  for (let at = 0; at === 0 || at < size; at += PIECE) {
    const end = Math.min(size, at + PIECE);
    hashes.push(await ('size' in file ? file.sha256(at, end) : sha256(file.subarray(at, end))));
  }
  return combined(hashes);
};

const combined = async (hashes: readonly Uint8Array[]): Promise<Uint8Array> =>
  hashes.length === 1 ? hashes[0] : sha256(Uint8Array.from(hashes.flatMap(hash => [...hash])));
