import { nodeLabel } from '../graph/uses';
import type { Node } from '../onnx/model';
import type { Refusal } from './anatomy';
import type { BuiltBlock } from './blocks';
import type { Facts } from './facts';
import { additionsTo, mixture } from './mlp';
import type { Norms } from './norms';

type Chain = readonly BuiltBlock[];

/**
 * Why a chain is not all of its tower: to its stream layers are added before it, behind it, or between it and another chain, with no
 * attention in them (LFM2, Jamba). Its own blocks would be numbered as if the others were not there. `sums` are the Adds of all attentions.
 */
export const withoutAttention = (
  facts: Facts,
  norms: Norms,
  chain: Chain,
  chains: readonly Chain[],
  sums: ReadonlySet<Node>
): Refusal | undefined => {
  const at = before(facts, norms, chain, chains) ?? behind(facts, norms, chain, sums);
  const why = 'blocks without attention beside those that have it: layers could not be numbered as the model has them';
  return at && { why, at: nodeLabel(at) };
};

const MOST_SUMS = 60;

/** Backwards from the first block over sums and norms. */
const before = (facts: Facts, norms: Norms, [first]: Chain, chains: readonly Chain[]): Node | undefined => {
  const ends = new Set(chains.map(blocks => facts.streamOrigin(blocks.at(-1)!.block.residPost)));
  const queue = [facts.streamOrigin(first.block.residPre)];
  for (let i = 0; i < queue.length && i < MOST_SUMS; i++) {
    const sum = facts.producer(queue[i]);
    const [left, right] = sum?.opType === 'Add' ? sum.inputs : [];
    const isBlock =
      right !== undefined &&
      [
        [left, right],
        [right, left]
      ].some(([stream, added]) => isAdded(facts, norms, stream, added));
    if (isBlock || (i > 0 && ends.has(queue[i]))) {
      return sum;
    }
    const read = norms.get(queue[i])?.input;
    const further = (read === undefined ? [left, right] : [read]).filter(
      input => input !== undefined && facts.isActivation(input)
    );
    queue.push(...further.map(input => facts.streamOrigin(input!)).filter(next => !queue.includes(next)));
  }
  return undefined;
};

const behind = (facts: Facts, norms: Norms, chain: Chain, sums: ReadonlySet<Node>): Node | undefined => {
  const { residPost } = chain.at(-1)!.block;
  return [residPost, ...norms.reading(residPost).map(({ output }) => output)]
    .flatMap(stream => additionsTo(facts, stream, sums))
    .find(({ before: stream, added }) => isAdded(facts, norms, stream, added))?.node;
};

/** What is added is made of the stream itself, over layers. */
const isAdded = (facts: Facts, norms: Norms, stream: string, added: string): boolean => {
  const start = [stream, ...norms.reading(stream).map(({ output }) => output)];
  return mixture(facts, added, new Set(start.map(facts.streamOrigin))) !== undefined;
};
