import { klDivergence } from '../../../maths/kl-divergence';
import { logSoftmax } from '../../../maths/log-softmax';
import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { floats } from '../../floats';
import { quiet } from '../../quiet';

/** How two models' next tokens differ over a text. */
export interface LogitDrift {
  /** KL(first‖second), nats, the mean over the positions. */
  readonly kl: number;
  /** Share of the positions whose likeliest token is the same. */
  readonly agreement: number;
}

/** Positions whose logits are held at once. */
const AT_ONCE = 16;

/** Undefined where a model has no unembedding. Throws where they have not as many tokens. */
export async function logitDrift(
  models: readonly [Subject, Subject],
  ids: readonly number[],
  context: Context
): Promise<LogitDrift | undefined> {
  if (models.some(({ tower }) => !tower.head)) {
    return undefined;
  }
  const streams: Float32Array[] = [];
  for (const subject of models) {
    const { hook } = subject.tower.head!;
    const cache = await subject.forward({ ids: [ids], hooks: [hook] }, quiet(context));
    streams.push(floats(cache.get(hook), hook));
  }
  let [kl, same] = [0, 0];
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const count = Math.min(AT_ONCE, ids.length - from);
    const rows: Float32Array[] = [];
    for (const [at, subject] of models.entries()) {
      const width = streams[at].length / ids.length;
      const data = streams[at].slice(from * width, (from + count) * width);
      rows.push(
        floats(await subject.unembed({ dims: [1, count, width], type: 'float32', data }, quiet(context)), 'logits')
      );
    }
    if (rows[0].length !== rows[1].length) {
      throw new Error(
        `vocabularies differ: '${models[0].facts.label}' gives ${rows[0].length / count} logits, '${models[1].facts.label}' ${rows[1].length / count}`
      );
    }
    for (let row = 0; row < count; row++) {
      const width = rows[0].length / count;
      const [p, q] = rows.map(logits => logits.subarray(row * width, (row + 1) * width));
      kl += klDivergence(logSoftmax(p), logSoftmax(q));
      same += likeliest(p) === likeliest(q) ? 1 : 0;
    }
  }
  return { kl: kl / ids.length, agreement: same / ids.length };
}

const likeliest = (logits: Float32Array): number =>
  logits.reduce((best, value, id) => (value > logits[best] ? id : best), 0);
