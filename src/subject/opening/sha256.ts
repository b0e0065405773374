import { sha256 as sha256Plain } from '@noble/hashes/sha2.js';

/** SHA-256 as 32 bytes: by WebCrypto, or in JavaScript where a page served over plain http has none. */
export const sha256 = async (bytes: Uint8Array): Promise<Uint8Array> => {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle;
  return subtle === undefined
    ? sha256Plain(bytes)
    : new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
};

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
