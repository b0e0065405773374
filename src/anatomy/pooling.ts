import type { Anchor } from './anchors';
import type { Facts } from './facts';
import { SIZE_ONLY } from './op-classes';

const MOST_TENSORS = 20_000;

/**
 * Attentions without those that pool: a learned query, the same for every input, looks at the stream behind the last block, and no other
 * attention reads what it gives (SigLIP). No block is left out with them.
 */
export const withoutPooling = (facts: Facts, anchors: readonly Anchor[]): readonly Anchor[] =>
  anchors.filter(
    anchor =>
      isFed(facts, anchor.q) ||
      !isFed(facts, anchor.k) ||
      reachesAny(facts, anchor.z, new Set(anchors.filter(other => other !== anchor).map(({ softmax }) => softmax)))
  );

/** It depends on what is fed, not only on its sizes. */
const isFed = (facts: Facts, from: string): boolean => {
  const queue = [from];
  const seen = new Set(queue);
  for (let i = 0; i < queue.length && i < MOST_TENSORS; i++) {
    if (facts.isInput(queue[i])) {
      return true;
    }
    const node = facts.producer(queue[i]);
    for (const input of node && !SIZE_ONLY.has(node.opType) ? node.inputs : []) {
      if (input !== '' && !seen.has(input)) {
        seen.add(input);
        queue.push(input);
      }
    }
  }
  return queue.length >= MOST_TENSORS;
};

const reachesAny = (facts: Facts, from: string, ends: ReadonlySet<Anchor['softmax']>): boolean => {
  const queue = [from];
  const seen = new Set(queue);
  for (let i = 0; i < queue.length && i < MOST_TENSORS; i++) {
    for (const node of facts.consumers(queue[i])) {
      if (ends.has(node)) {
        return true;
      }
      for (const output of SIZE_ONLY.has(node.opType) ? [] : node.outputs) {
        if (!seen.has(output)) {
          seen.add(output);
          queue.push(output);
        }
      }
    }
  }
  return queue.length >= MOST_TENSORS;
};
