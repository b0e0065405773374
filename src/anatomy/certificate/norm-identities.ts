import { numbersOf } from '../../onnx/numbers';
import type { Block, NormPart } from '../anatomy';
import { joined, type CheckContext, type Outcome } from './identity';
import { affine } from './layer-maths';
import { boundOn } from './rounding';

/** Each norm's output from its input, weight and bias. `hook_normalized` is the input standardised. */
export const norms = (context: CheckContext, prefix: string, parts: readonly NormPart[]): Outcome =>
  together(
    parts.map(part =>
      normSides(context, `${prefix}${part.role}.hook_out`, `${prefix}${part.role}.hook_normalized`, part)
    )
  );

/** The norms of a block; in post-norm blocks the last one gives what the next block reads. */
export const blockNorms = (context: CheckContext, block: Block, layer: number): Outcome => {
  const prefix = `blocks.${layer}.`;
  const last = block.norms.find(({ output }) => output === block.normalizedResidPost);
  return together([
    norms(context, prefix, block.norms),
    last && normSides(context, `${prefix}hook_normalized_resid_post`, `${prefix}${last.role}.hook_normalized`, last)
  ]);
};

const normSides = (
  { tower, hook, read, route: between }: CheckContext,
  out: string,
  normalised: string,
  part: NormPart
): Outcome => {
  const [file, x] = [hook(out), hook(normalised)];
  const computed = file && x && affine(numbersOf(x), part, read, tower.dModel);
  if (computed === undefined || typeof computed === 'string') {
    return computed;
  }
  const route = between(normalised, out, 'norm');
  if (typeof route === 'string') {
    return route;
  }
  const { y, slack } = boundOn(computed, route?.after);
  return { file: numbersOf(file!), computed: y, slack };
};

/** All that is there; the first reason why something cannot be checked comes first. */
const together = (outcomes: readonly Outcome[]): Outcome => {
  const sides = outcomes.flatMap(outcome => (typeof outcome === 'object' ? [outcome] : []));
  const refused = outcomes.find(outcome => typeof outcome === 'string');
  if (refused !== undefined || sides.length === 0) {
    return refused;
  }
  return {
    file: joined(sides.map(({ file }) => file)),
    computed: joined(sides.map(({ computed }) => computed)),
    slack: Math.max(...sides.map(({ slack = 0 }) => slack))
  };
};
