import type { Random } from './random';

/** A stream of standard normal numbers (Box & Muller 1958), seeded by `random`. */
export function gaussian(random: Random): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log((random.next() + 1) / 2 ** 32));
    const angle = (2 * Math.PI * random.next()) / 2 ** 32;
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
