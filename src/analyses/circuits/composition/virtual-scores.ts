import { linearAlgebra, type LinearAlgebra } from '../../../maths/linear-algebra';
import { transpose, type Matrix } from '../../../maths/matrix';
import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { frobenius } from './composition-scores';
import { foldedLayer, kvHeadOf, refusesFolding } from '../folded-heads';
import { otherTasks } from '../other-tasks';
import { eigenvalueScore, gramOf } from '../vocabulary/vocabulary-circuit';
import {
  CHUNK,
  embeddingSide,
  refusesEmbedding,
  refusesUnembedding,
  unembeddingSide
} from '../vocabulary/vocabulary-side';

/** Two heads in different layers, the second reading what the first wrote. */
export interface HeadPair {
  readonly from: { readonly layer: number; readonly head: number };
  readonly to: { readonly layer: number; readonly head: number };
}

export interface VirtualScores {
  /** ‖A·B‖/(‖A‖·‖B‖), A and B the heads' W_V·W_O: V-composition. */
  readonly composition: readonly number[];
  /** Σλ/Σ|λ| of W_E·A·B·W_U over the vocabulary, −1 to 1. */
  readonly copying: readonly number[];
}

export const refusesVirtualScores = (subject: Subject): string | undefined =>
  refusesUnembedding(subject) ?? refusesEmbedding(subject) ?? refusesFolding(subject);

/** Of the weights alone, with the norms' weights folded in as in `composition` and `ov-circuit`. */
export async function virtualScores(
  subject: Subject,
  pairs: readonly HeadPair[],
  context: Context
): Promise<VirtualScores> {
  const algebra = await linearAlgebra();
  const { tower } = subject;
  const size = Math.min(tower.embedding!.rows, tower.dVocab!);
  const chunks = Math.ceil(size / CHUNK);
  const gram = await gramOf(embeddingSide(subject, size), unembeddingSide(subject, size), algebra, async at => {
    await otherTasks();
    context.signal.throwIfAborted();
    context.progress({ done: at, total: chunks, label: `vocabulary ${at + 1} of ${chunks}` });
  });
  const found = pairs.map(pair => scoresOf(subject, pair, gram, algebra));
  return { composition: found.map(one => one.composition), copying: found.map(one => one.copying) };
}

function scoresOf(
  subject: Subject,
  { from, to }: HeadPair,
  gram: Matrix,
  algebra: LinearAlgebra
): { readonly composition: number; readonly copying: number } {
  const { multiply, qr } = algebra;
  const of = ({ layer, head }: HeadPair['from']): { readonly v: Matrix; readonly o: Matrix } => {
    const { v, o } = foldedLayer(subject, layer, ['v', 'o']);
    return { v: v[kvHeadOf(subject.tower, head)], o: o[head] };
  };
  const [first, second] = [of(from), of(to)];
  // ‖A·X‖ = ‖R·X‖ where A = Q·R: nothing of d_model × d_model is made.
  const writes = multiply(qr(first.v).r, first.o);
  const reads = multiply(second.v, transpose(qr(transpose(second.o)).r));
  const whole = multiply(first.o, multiply(second.v, second.o));
  return {
    composition: frobenius(multiply(writes, reads)) / (frobenius(writes) * frobenius(reads)),
    copying: eigenvalueScore({ a: first.v, b: whole }, gram, algebra)
  };
}
