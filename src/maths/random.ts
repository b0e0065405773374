/** A seeded stream of numbers: equal seeds give equal streams on every machine. */
export interface Random {
  /** Uniform 32-bit integer. */
  next(): number;
  /** Uniform integer in [0, n), without bias. */
  below(n: number): number;
}

/**
 * xoshiro128** 1.1 (Blackman & Vigna 2018, prng.di.unimi.it), its 128 bits of state filled from the seed by SplitMix64,
 * as the authors advise.
 */
export function random(seed: number): Random {
  return xoshiro128(splitMix64(BigInt(seed), 2).flatMap(word => [Number(word & 0xffffffffn), Number(word >> 32n)]));
}

/** The generator with its four words of state given. */
export function xoshiro128(state: readonly number[]): Random {
  const s = Uint32Array.from(state);
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11);
    return result;
  };
  return { next, below: n => below(next, n) };
}

/** The first `count` 64-bit outputs of SplitMix64 (Steele, Lea & Flood 2014). */
export function splitMix64(seed: bigint, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => {
    let z = BigInt.asUintN(64, seed + BigInt(i + 1) * 0x9e3779b97f4a7c15n);
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  });
}

const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

/** Draws beyond the last whole multiple of n are thrown away. */
function below(next: () => number, n: number): number {
  const limit = 2 ** 32 - (2 ** 32 % n);
  let value = next();
  while (value >= limit) {
    value = next();
  }
  return value % n;
}
