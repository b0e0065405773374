import { nodeLabel } from '../graph/uses';
import type { Node } from '../onnx/model';
import type { Refusal } from './anatomy';
import { intsAttribute } from './attributes';
import type { Facts } from './facts';
import { LOOK_UPS } from './op-classes';

const PASSED = new Set(['Cast', 'Identity', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten', 'Slice', 'Transpose']);
const MOST_STEPS = 8;

/** Ids that reach their table in another order, or not all of them: positions of a text would not be those of the stream. */
export const strangeIds = (facts: Facts): Refusal | undefined => {
  for (const node of facts.nodes) {
    const picks =
      LOOK_UPS.has(node.opType) && facts.isConstant(node.inputs[0]) && facts.shape(node.inputs[0])?.length === 2;
    const found = picks ? strangeOf(facts, node.inputs[1]) : undefined;
    if (found) {
      return found;
    }
  }
  return undefined;
};

const strangeOf = (facts: Facts, indices: string): Refusal | undefined => {
  let at = indices;
  let found: Refusal | undefined;
  for (let step = 0; step < MOST_STEPS; step++) {
    const node = facts.producer(at);
    if (!node || !PASSED.has(node.opType)) {
      break;
    }
    const why = whyNot(facts, node);
    found = why === undefined ? found : { why, at: nodeLabel(node) };
    at = node.inputs[0];
  }
  return facts.isInput(at) ? found : undefined;
};

const whyNot = (facts: Facts, node: Node): string | undefined => {
  if (node.opType === 'Transpose') {
    return 'ids are transposed before their table: the stream is [pos, batch, d_model], positions first';
  }
  return node.opType === 'Slice' && cuts(facts, node)
    ? 'a Slice takes only some of the ids: positions of a text are not those of the stream'
    : undefined;
};

/** Along the positions, not from the first on, in steps, or less some at the end. */
const cuts = (facts: Facts, node: Node): boolean => {
  const read = (name: string, input: number): readonly (number | string | null)[] | undefined =>
    intsAttribute(node, name) ?? (node.inputs[input] ? facts.values(node.inputs[input]) : undefined);
  const [starts = [], ends = [], steps = []] = [read('starts', 1), read('ends', 2), read('steps', 4)];
  const axes = read('axes', 3) ?? starts.map((_, i) => i);
  return axes.some((axis, i) => {
    const end = ends[i];
    return (
      (axis === 1 || axis === -1) && (starts[i] !== 0 || (steps[i] ?? 1) !== 1 || (typeof end === 'number' && end < 0))
    );
  });
};
