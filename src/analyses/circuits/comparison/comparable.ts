import type { Subject } from '../../../subject/subject';
import { refusesPatterns } from '../../attention/pattern-runs';

/** Throws one sentence where heads or tokens of two models do not correspond. */
export function refuseIncomparable(first: Subject, second: Subject): void {
  const [a, b] = [first, second].map(({ facts, tower }) => ({ name: `'${facts.label}'`, facts, tower }));
  const refusal = refusesPatterns(second);
  if (refusal !== undefined) {
    throw new Error(`head comparison is not possible with ${b.name}: ${refusal}`);
  }
  const shape = ({ layers, heads }: Subject['tower']): string => `${layers} layers of ${heads} heads`;
  if (shape(a.tower) !== shape(b.tower)) {
    throw new Error(
      `heads differ: ${a.name} has ${shape(a.tower)}, ${b.name} ${shape(b.tower)}, so that none of the one is one of the other`
    );
  }
  if (a.tower.causal !== b.tower.causal) {
    throw new Error(`models differ: one of ${a.name} and ${b.name} is causal, the other is not`);
  }
  const sizes = [first, second].map(({ tower }) => tower.embedding?.rows ?? tower.dVocab ?? undefined);
  if (sizes[0] !== undefined && sizes[1] !== undefined && sizes[0] !== sizes[1]) {
    throw new Error(`vocabularies differ: ${a.name} has ${sizes[0]} tokens, ${b.name} ${sizes[1]}`);
  }
  const hashes = [a, b].map(({ facts }) => facts.tokenizerHash);
  if (hashes[0] !== undefined && hashes[1] !== undefined && hashes[0] !== hashes[1]) {
    throw new Error(`tokenizers differ: ${a.name} has ${hashes[0]}, ${b.name} ${hashes[1]}`);
  }
}
