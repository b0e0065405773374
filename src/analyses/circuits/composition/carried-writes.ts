import type { Subject } from '../../../subject/subject';
import { frobenius, type Senders } from './composition-scores';
import { hasPostNorms, passNorms } from '../folded-heads';

/** What heads of layer `from` write, as layer `to` reads it: the same but for post-norm blocks, whose norms stand between. */
export function carried(subject: Subject, { writes, norms }: Senders, from: number, to: number): Senders {
  if (!hasPostNorms(subject)) {
    return { writes, norms };
  }
  const through = { ...writes, data: writes.data.slice() };
  passNorms(subject, [through], from, to);
  const size = through.data.length / norms.length;
  const { rows, columns } = { rows: writes.rows / norms.length, columns: writes.columns };
  return {
    writes: through,
    norms: norms.map((_, head) =>
      frobenius({ rows, columns, data: through.data.subarray(head * size, (head + 1) * size) })
    )
  };
}
