import type { Node } from '../onnx/model';
import type { Facts } from './facts';

export interface Scaling {
  readonly scale: number;
  readonly softcap?: number;
}

/** What leaves the numbers as they are; Falcon's scores lie [rows, query, key] until its ALiBi is added. */
const PASSING: ReadonlySet<string> = new Set(['Cast', 'Reshape']);

/** Constant factors between products (q·kᵀ, logits) and what is made of them, before or behind a mask, and c · tanh(x / c) among them; null where a factor is not known. */
export const scalingAfter = (facts: Facts, products: string, scores: string): Scaling | null => {
  let at = products;
  let scale = 1;
  let bent: number | undefined;
  for (let step = 0; step < 8 && at !== scores; step++) {
    const node = facts.consumers(at).find(({ opType }) => opType !== 'Shape');
    if (node?.opType === 'Tanh' && bent === undefined) {
      [bent, scale] = [scale, 1];
    } else if (node?.opType === 'Mul' || node?.opType === 'Div') {
      const factor = node.inputs.find(input => input !== at) ?? '';
      const [value, ...more] = facts.values(factor) ?? [];
      if (typeof value === 'number' && more.length === 0) {
        scale = node.opType === 'Mul' ? scale * value : scale / value;
      } else if (!isTriangular(facts, node, factor)) {
        return null;
      }
    } else if (!PASSING.has(node?.opType ?? '') && !masks(facts, node, at)) {
      break;
    }
    at = node!.outputs[0];
  }
  return bent === undefined ? { scale } : { scale: bent * scale, softcap: scale };
};

/** Scores times a mask of ones and zeros [query, key], as GPT-1 has it: one where the pattern is not zero. */
const isTriangular = (facts: Facts, node: Node, factor: string): boolean =>
  node.opType === 'Mul' && !facts.isActivation(factor) && (facts.shape(factor)?.length ?? 0) >= 2;

/** What is added does not depend on the stream: a mask, or a bias of positions. */
const masks = (facts: Facts, node: Node | undefined, scores: string): boolean =>
  (node?.opType === 'Add' || node?.opType === 'Where') &&
  node.inputs.every(input => input === scores || !facts.isActivation(input));
