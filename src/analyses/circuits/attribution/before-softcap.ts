import type { Subject } from '../../../subject/subject';

/** Logits as the unembedding gives them: x of c · tanh(x / c), where the model bends them so. */
export function beforeSoftcap({ tower }: Subject, logits: Float32Array): Float32Array {
  const cap = tower.head?.softcap;
  return cap === undefined ? logits : logits.map(value => cap * Math.atanh(value / cap));
}
