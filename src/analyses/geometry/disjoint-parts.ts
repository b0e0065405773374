import { random } from '../../maths/random';

/** 0 … n − 1 in a random order (Fisher and Yates), in `count` parts of ⌊n / count⌋; what is left over is in none. */
export function disjointParts(n: number, count: number, seed: number): number[][] {
  const order = shuffledOrder(n, seed);
  const size = Math.floor(n / count);
  return Array.from({ length: count }, (_, i) => order.slice(i * size, (i + 1) * size));
}

/** 0 … n − 1 in a random order. */
export function shuffledOrder(n: number, seed: number): number[] {
  const stream = random(seed);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = stream.below(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
