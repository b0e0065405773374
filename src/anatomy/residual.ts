import type { Node } from '../onnx/model';
import type { OutScale } from './anatomy';
import { storedAs, type Facts } from './facts';
import { layerInput } from './linear';
import { bothScales, outScaleOf } from './out-scale';
import { normOf, type Norm, type Norms } from './norms';

/** Where an attention's output meets the residual stream. */
export interface Meeting {
  /** The residual operand. */
  readonly before: string;
  /** The sum. */
  readonly after: string;
  /** What is added: the attention's part alone. */
  readonly added: string;
  readonly node: Node;
  /** Norms between W_O and the sum. */
  readonly postNorm?: Norm;
  /** Bias added behind W_O. */
  readonly bias?: string;
  /** Constants that it is multiplied by, behind a norm. */
  readonly scale?: OutScale;
  /** Another branch that was added first: a parallel MLP. */
  readonly sibling?: string;
}

interface Path {
  readonly tensor: string;
  readonly added?: string;
  readonly bias?: string;
  readonly scale?: OutScale;
  readonly postNorm?: Norm;
  readonly sibling?: string;
  readonly depth: number;
}

const PASS = new Set(['Reshape', 'Cast', 'Identity', 'Mul', 'Dropout', 'Transpose', 'Squeeze', 'Unsqueeze']);
const MOST_DEPTH = 12;

/** Candidates for the residual operand: what q's projection reads, and the input of the norm that made it. */
export const residualCandidates = (facts: Facts, norms: Norms, read: string): { direct: string; normed?: Norm } => {
  const direct = layerInput(facts, read);
  return { direct, normed: normOf(facts, norms, direct) };
};

/** Forwards from W_O's output to the Add whose other operand is a candidate. */
export const findMeeting = (
  facts: Facts,
  norms: Norms,
  from: string,
  candidates: ReadonlySet<string>
): Meeting | undefined => {
  const queue: Path[] = [{ tensor: from, depth: 0 }];
  for (let i = 0; i < queue.length && queue.length < 200; i++) {
    const path = queue[i];
    if (path.depth > MOST_DEPTH) {
      continue;
    }
    for (const node of facts.consumers(path.tensor)) {
      const other = node.inputs.find(input => input !== path.tensor);
      if (node.opType === 'Add' && other !== undefined) {
        const meeting = atAdd(facts, node, path, other, candidates);
        if (meeting) {
          return meeting;
        }
        queue.push(overAdd(facts, node, path, other));
      } else if (PASS.has(node.opType)) {
        const scale = path.added === undefined ? outScaleOf(facts, node, path.tensor) : undefined;
        const all = bothScales(path.scale, scale);
        queue.push({ ...path, tensor: node.outputs[0], depth: path.depth + 1, ...(all && { scale: all }) });
      }
    }
    for (const norm of path.sibling ? [] : norms.reading(path.tensor)) {
      queue.push({ ...path, tensor: norm.output, postNorm: norm, scale: undefined, depth: path.depth + 1 });
    }
  }
  return undefined;
};

const atAdd = (
  facts: Facts,
  node: Node,
  { tensor, added, bias, scale, postNorm, sibling }: Path,
  other: string,
  candidates: ReadonlySet<string>
): Meeting | undefined =>
  candidates.has(facts.streamOrigin(other))
    ? {
        before: other,
        after: node.outputs[0],
        added: added ?? tensor,
        node,
        ...(bias !== undefined && { bias }),
        ...(scale && { scale }),
        ...(postNorm && { postNorm }),
        ...(sibling !== undefined && { sibling })
      }
    : undefined;

/** A constant operand is W_O's bias; an activation is a parallel branch, behind which the sum is no longer attention alone. */
const overAdd = (facts: Facts, node: Node, path: Path, other: string): Path => {
  const next = { ...path, tensor: node.outputs[0], depth: path.depth + 1 };
  if (facts.isActivation(other)) {
    return { ...next, depth: path.depth + 3, added: path.added ?? path.tensor, sibling: path.sibling ?? other };
  }
  return facts.isConstant(other) && !path.added ? { ...next, bias: storedAs(facts, other) } : next;
};
