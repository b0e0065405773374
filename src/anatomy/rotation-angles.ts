import type { Facts } from './facts';
import type { Layer } from './layer';

/** What a rotation takes besides the queries. */
export const rotationAngles = (facts: Facts, { operands }: Layer): readonly string[] => {
  const { rotated, raw } = operands.q;
  if (!rotated) {
    return [];
  }
  const queue = [rotated.tensor];
  const fixed: string[] = [];
  for (let i = 0; i < queue.length && i < 60; i++) {
    const node = queue[i] === raw.tensor ? undefined : facts.producer(queue[i]);
    for (const input of node?.inputs.filter(name => name && !queue.includes(name)) ?? []) {
      (facts.isActivation(input) ? queue : fixed).push(input);
    }
  }
  return fixed;
};
