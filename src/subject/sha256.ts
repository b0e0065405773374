/** SHA-256 (FIPS 180-4) as 32 bytes. By WebCrypto; written out where a page served over plain http has none. */
export const sha256 = async (bytes: Uint8Array): Promise<Uint8Array> => {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle;
  return subtle === undefined
    ? sha256Plain(bytes)
    : new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
};

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');

/** The first 32 bits of the fractional part of a root of each of the first `count` primes (§4.2.2, §5.3.3). */
const primeRoots = (count: number, root: (prime: number) => number): Uint32Array => {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every(prime => candidate % prime !== 0)) {
      primes.push(candidate);
    }
  }
  return Uint32Array.from(primes, prime => (root(prime) % 1) * 2 ** 32);
};

const K = primeRoots(64, Math.cbrt);
const START = primeRoots(8, Math.sqrt);
const BLOCK = 64;

export const sha256Plain = (bytes: Uint8Array): Uint8Array => {
  const state = START.slice();
  const words = new Uint32Array(64);
  const whole = bytes.length - (bytes.length % BLOCK);
  for (let at = 0; at < whole; at += BLOCK) {
    addBlock(state, words, bytes, at);
  }
  const tail = padded(bytes.subarray(whole), bytes.length);
  for (let at = 0; at < tail.length; at += BLOCK) {
    addBlock(state, words, tail, at);
  }
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, index) => digest.setUint32(4 * index, word));
  return new Uint8Array(digest.buffer);
};

/** The last bytes, a one bit, zeros, and the length in bits (§5.1.1). */
const padded = (rest: Uint8Array, length: number): Uint8Array => {
  const tail = new Uint8Array(rest.length + 9 <= BLOCK ? BLOCK : 2 * BLOCK);
  tail.set(rest);
  tail[rest.length] = 0x80;
  new DataView(tail.buffer).setBigUint64(tail.length - 8, BigInt(length) * 8n);
  return tail;
};

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

/** §6.2.2; `w` is room for the message schedule. */
const addBlock = (state: Uint32Array, w: Uint32Array, bytes: Uint8Array, at: number): void => {
  for (let t = 0; t < 16; t++) {
    const i = at + 4 * t;
    w[t] = (bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3];
  }
  for (let t = 16; t < 64; t++) {
    const s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ (w[t - 15] >>> 3);
    const s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ (w[t - 2] >>> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[t] + w[t]) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => (state[index] += word));
};
