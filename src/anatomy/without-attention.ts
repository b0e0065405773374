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
  const behindChain = (): Found | undefined => {
    const node = behind(facts, norms, chain, sums);
    return node && { node, why: WITHOUT };
  };
  const found = before(facts, norms, chain, chains) ?? behindChain();
  return found && { why: found.why, at: nodeLabel(found.node) };
};

interface Found {
  readonly node: Node;
  readonly why: string;
}

const WITHOUT =
  'blocks without attention beside those that have it: layers could not be numbered as the model has them';
const BETWEEN =
  'a stream to which more is added between two blocks than they add: layers could not be numbered as the model has them';

const MOST_SUMS = 60;

/** Backwards from the first block over sums and norms. */
const before = (facts: Facts, norms: Norms, [first]: Chain, chains: readonly Chain[]): Found | undefined => {
  const ends = new Set(chains.map(blocks => facts.streamOrigin(blocks.at(-1)!.block.residPost)));
  const queue = [facts.streamOrigin(first.block.residPre)];
  const start = facts.producer(queue[0]);
  for (let i = 0; i < queue.length && i < MOST_SUMS; i++) {
    const sum = facts.producer(queue[i]);
    if (i > 0 && start && ends.has(queue[i])) {
      return { node: start, why: BETWEEN };
    }
    const [left, right] = sum?.opType === 'Add' ? sum.inputs : [];
    const isBlock =
      right !== undefined &&
      [
        [left, right],
        [right, left]
      ].some(([stream, added]) => isAdded(facts, norms, stream, added));
    if (isBlock) {
      return { node: sum!, why: WITHOUT };
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
