import type { Anatomy, Hook, HookSource } from '../anatomy/anatomy';
import { SIZE_ONLY, TRANSPARENT } from '../anatomy/op-classes';
import { nodeLabel, type End, type Uses } from '../graph/uses';

/** Where a hook's tensor can be replaced. */
export interface InterventionPoint {
  readonly hook: Hook;
  readonly source: HookSource;
}

/**
 * The hook's tensor, where replacing it for all its readers replaces the hook's value. Throws, naming the hook and the reason:
 * not in the graph, not a plain view of a tensor, read by its own node or before the tensor is made, or read by nobody.
 */
export const interventionPoint = (
  anatomy: Anatomy,
  uses: Uses,
  outputs: ReadonlySet<string>,
  name: string
): InterventionPoint => {
  const hook = anatomy.hooks.find(known => known.name === name);
  if (hook === undefined) {
    throw new Error(`hook unknown: '${name}'`);
  }
  const { source } = hook;
  if (source === undefined || hook.status === 'unavailable') {
    throw new Error(`hook unavailable: '${name}', because ${hook.why ?? 'the graph does not have it'}`);
  }
  const why = obstacle(anatomy, uses, outputs, source);
  if (why !== undefined) {
    throw new Error(`intervention refused: '${name}', because ${why}`);
  }
  return { hook, source };
};

const obstacle = (
  anatomy: Anatomy,
  uses: Uses,
  outputs: ReadonlySet<string>,
  { tensor, steps }: HookSource
): string | undefined => {
  if (steps.some(({ op }) => op === 'normalise')) {
    return 'the graph does not hold it: it is computed from another tensor when it is read';
  }
  const made = uses.producer(tensor);
  if (made === undefined) {
    return `'${tensor}' is a weight or an input of the file, no value of a run`;
  }
  const read = readers(uses, tensor);
  if (read.length === 0 && !outputs.has(tensor)) {
    return `nothing reads '${tensor}'`;
  }
  return insideNode(uses, made, tensor) ?? readBefore(uses, made) ?? sharedByRows(anatomy, read, steps);
};

/** Who reads the values, not merely the size. */
const readers = (uses: Uses, tensor: string): readonly End[] =>
  uses.consumers(tensor).filter(({ node }) => !SIZE_ONLY.has(node.opType));

/** A fused node gives its first output from values that it shows as further ones: changing those changes nothing. */
const insideNode = (uses: Uses, { node, slot }: End, tensor: string): string | undefined =>
  slot > 0 && node.opType !== 'Split' && readers(uses, node.outputs[0]).length > 0
    ? `'${tensor}' is also read inside the fused node that makes it (${nodeLabel(node)})`
    : undefined;

const SAME_VALUES: ReadonlySet<string> = new Set([
  ...TRANSPARENT,
  'Reshape',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Flatten'
]);

/** The same values under an earlier name must have no other reader. */
const readBefore = (uses: Uses, made: End): string | undefined => {
  for (let end: End | undefined = made; end && SAME_VALUES.has(end.node.opType);) {
    const [earlier] = end.node.inputs;
    const { node }: End = end;
    const other = readers(uses, earlier).find(reader => reader.node !== node);
    if (other) {
      return `its values are read before that point, by ${nodeLabel(other.node)} as '${earlier}'`;
    }
    end = uses.producer(earlier);
  }
  return undefined;
};

/** One copy for all rows can be made one a row only where it is added to something that has rows. */
const sharedByRows = ({ inputs }: Anatomy, read: readonly End[], steps: HookSource['steps']): string | undefined => {
  const oneRow = inputs.some(({ role, shape }) => role === 'ids' && shape?.length === 2 && shape[0] === 1);
  const other = read.find(({ node }) => node.opType !== 'Add');
  return steps.some(({ op }) => op === 'expand') && !oneRow && other
    ? `the file keeps one copy for all rows, which ${nodeLabel(other.node)} reads`
    : undefined;
};
