import { createHash } from 'node:crypto';

import { modelHash } from '../../src/subject/opening/model-hash';
import { hex, sha256 } from '../../src/subject/opening/sha256';

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 131 + 7) & 255);
const node = (...parts: readonly Uint8Array[]): string => {
  const hash = createHash('sha256');
  parts.forEach(part => hash.update(part));
  return hash.digest('hex');
};

test.each([0, 55, 64, 100_003])('%i bytes, against node:crypto, with and without WebCrypto', async length => {
  const message = bytes(length);
  expect(hex(await sha256(message))).toBe(node(message));
  const { crypto } = globalThis;
  Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true });
  expect(hex(await sha256(message))).toBe(node(message));
  Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true });
});

test('one file is hashed as it is, several as the hash of their hashes', async () => {
  const [a, b] = [bytes(100), bytes(200)];
  expect(await modelHash([a])).toBe(`sha256:${node(a)}`);
  expect(await modelHash([a, b])).toBe(`sha256:${node(Buffer.from(node(a), 'hex'), Buffer.from(node(b), 'hex'))}`);
});

test('an empty file has a hash', async () => {
  expect(await modelHash([new Uint8Array()])).toBe(`sha256:${node(new Uint8Array())}`);
});
