import { linearAlgebra } from '../../../maths/linear-algebra';
import { random } from '../../../maths/random';
import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { headName } from '../../attention/head-values';
import type { ResultTable } from '../../result';
import type { HeadPlace } from '../../../figures/part-names';
import { carried } from '../composition/carried-writes';
import { MODES, receivers, scores, senders } from '../composition/composition-scores';
import { foldedLayer, kvHeadOf, type FoldedLayer, type HeadPart } from '../folded-heads';
import { otherTasks } from '../other-tasks';
import { randomComposition, type Baseline } from '../composition/random-composition';

export interface CardPartners {
  /** The largest scores with earlier heads and with later ones: side ('reads from', 'is read by'), mode, head, score. */
  readonly partners: ResultTable;
  /** Of random matrices of the same shapes. */
  readonly baseline: Baseline;
}

interface Partner {
  readonly side: 'reads from' | 'is read by';
  readonly mode: string;
  readonly head: string;
  readonly score: number;
}

const PARTS: readonly HeadPart[] = ['q', 'k', 'v', 'o'];
/** Of each side and mode. */
const KEPT = 4;
const SAMPLES = 8;

/** The head's composition with all heads of other layers, as `composition` has it. */
export async function cardPartners(
  subject: Subject,
  { layer, head }: HeadPlace,
  seed: number,
  context: Context
): Promise<CardPartners> {
  const { tower } = subject;
  const algebra = await linearAlgebra();
  const groupOf = (one: number): number => kvHeadOf(tower, one);
  const folded = foldedLayer(subject, layer, PARTS);
  const own = alone(folded, head, groupOf(head));
  const [reading, writing] = [receivers(own, () => 0, algebra), senders(own, () => 0, algebra)];
  const found: Partner[] = [];
  for (let other = 0; other < tower.layers; other++) {
    if (other === layer) {
      continue;
    }
    await otherTasks();
    context.signal.throwIfAborted();
    context.progress({ done: other, total: tower.layers, label: `composition with layer ${other}` });
    const others = foldedLayer(subject, other, PARTS);
    const earlier = other < layer;
    const from = earlier
      ? carried(subject, senders(others, groupOf, algebra), other, layer)
      : carried(subject, writing, layer, other);
    const to = earlier ? reading : receivers(others, groupOf, algebra);
    for (const mode of MODES) {
      const block = scores(from, to[mode], algebra);
      (earlier ? block.map(([score]) => score) : block[0]).forEach((score, at) =>
        found.push({ side: earlier ? 'reads from' : 'is read by', mode, head: headName(other, at), score })
      );
    }
  }
  const [{ columns }] = own.q;
  const shape = { dModel: tower.dModel, left: own.v[0].columns, right: columns };
  return { partners: largest(found), baseline: randomComposition(shape, SAMPLES, random(seed), algebra) };
}

const alone = ({ q, k, v, o }: FoldedLayer, head: number, group: number): FoldedLayer => ({
  q: [q[head]],
  k: [k[group]],
  v: [v[group]],
  o: [o[head]]
});

function largest(found: readonly Partner[]): ResultTable {
  const kept = (['reads from', 'is read by'] as const).flatMap(side =>
    MODES.flatMap(mode =>
      found
        .filter(one => one.side === side && one.mode === mode && !Number.isNaN(one.score))
        .sort((a, b) => b.score - a.score)
        .slice(0, KEPT)
    )
  );
  return {
    columns: {
      side: kept.map(one => one.side),
      mode: kept.map(one => one.mode),
      head: kept.map(one => one.head),
      score: kept.map(one => one.score)
    }
  };
}
