import { nodeLabel } from '../graph/uses';
import type { Refusal } from './anatomy';
import type { BuiltBlock } from './blocks';
import type { Facts } from './facts';
import { SIZE_ONLY } from './op-classes';

type Chain = readonly BuiltBlock[];

const MOST_TENSORS = 20_000;

/** Why a chain is no tower of its own: all that it starts with is made of another chain's stream, by more than sums (stages of a pyramid, a stream that is scaled). */
export const severed = (facts: Facts, chain: Chain, chains: readonly Chain[]): Refusal | undefined => {
  const streams = new Set(
    chains
      .filter(other => other !== chain)
      .flatMap(blocks => blocks.flatMap(({ block }) => [block.residPre, block.residPost]))
      .map(facts.streamOrigin)
  );
  const start = chain[0].block.residPre;
  const why =
    'a stream that is changed between two blocks by more than sums: layers could not be numbered as the model has them';
  return madeOf(facts, start, streams) ? { why, at: nodeLabel(facts.producer(start)!) } : undefined;
};

/** Every way back from the tensor to what is fed leads over one of the streams. */
const madeOf = (facts: Facts, from: string, streams: ReadonlySet<string>): boolean => {
  const queue = [from];
  const seen = new Set(queue);
  let met = false;
  for (let i = 0; i < queue.length && i < MOST_TENSORS; i++) {
    if (facts.isInput(queue[i])) {
      return false;
    }
    const node = facts.producer(queue[i]);
    for (const input of node && !SIZE_ONLY.has(node.opType) ? node.inputs : []) {
      const isStream = streams.has(facts.streamOrigin(input));
      met ||= isStream;
      if (input !== '' && !isStream && !seen.has(input)) {
        seen.add(input);
        queue.push(input);
      }
    }
  }
  return met && queue.length < MOST_TENSORS;
};
