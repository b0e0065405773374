import { linearAlgebra } from '../../../maths/linear-algebra';
import { matrix, transpose, type Matrix } from '../../../maths/matrix';
import type { Context } from '../../../subject/context';
import type { Input, Subject } from '../../../subject/subject';
import { blockHook } from '../../hooks';
import { quiet } from '../../quiet';
import type { ResultTable } from '../../result';
import { shortText } from '../../short-text';
import type { HeadPlace } from '../../../figures/part-names';
import { foldedLayer, kvHeadOf, refusesFolding } from '../folded-heads';
import { otherTasks } from '../other-tasks';
import { rowOf } from '../stream-parts';
import { topTokens } from '../vocabulary/top-tokens';
import { embeddingSide, refusesEmbedding, refusesUnembedding, unembeddingSide } from '../vocabulary/vocabulary-side';

/** Different tokens of the prompt whose writes are listed, and tokens of the vocabulary by each. */
const SOURCES = 12;
const LISTED = 5;

export const refusesTokens = (subject: Subject): string | undefined =>
  refusesUnembedding(subject) ?? refusesEmbedding(subject) ?? refusesFolding(subject);

/**
 * What a head writes when it attends to a token, as the tokens whose logits rise most, without the final norm's scale: 'token' of the bare embedding
 * (a row of the OV circuit), 'prompt' of the value that the token has at its last place in the prompt. Columns: view, source, rank, token, value.
 */
export async function cardTokens(
  subject: Subject,
  input: Input,
  { layer, head }: HeadPlace,
  context: Context
): Promise<ResultTable> {
  const { tower } = subject;
  const algebra = await linearAlgebra();
  const size = Math.min(tower.embedding!.rows, tower.dVocab!);
  const ids = [...new Set(input.ids)].filter(id => id < size).slice(0, SOURCES);
  const own = kvHeadOf(tower, head);
  const { v, o } = foldedLayer(subject, layer, ['v', 'o'], 'whole');
  const values = await valuesOf(subject, input, { layer, head: own }, ids, context);
  const bare = algebra.multiply(embeddingSide(subject, size).rows(ids), v[own]);
  const written = algebra.multiply(stacked(bare, values), o[head]);
  const top = topTokens(2 * ids.length, LISTED);
  for (const { start, rows } of unembeddingSide(subject, size).chunks()) {
    await otherTasks();
    context.signal.throwIfAborted();
    top.add(start, algebra.multiply(written, transpose(rows)));
  }
  const label = (id: number): string => shortText(subject.tokens?.label(id) ?? String(id), 60);
  const all = top.rows.flatMap((row, at) =>
    row.map(({ id, value }, rank) => ({
      view: at < ids.length ? 'token' : 'prompt',
      source: label(ids[at % ids.length]),
      rank: rank + 1,
      token: label(id),
      value: Number(value.toPrecision(5))
    }))
  );
  return {
    columns: {
      view: all.map(one => one.view),
      source: all.map(one => one.source),
      rank: all.map(one => one.rank),
      token: all.map(one => one.token),
      value: all.map(one => one.value)
    }
  };
}

/** Values at the last place of each token, [id, d_head]. */
async function valuesOf(
  subject: Subject,
  input: Input,
  { layer, head }: HeadPlace,
  ids: readonly number[],
  context: Context
): Promise<Matrix> {
  const hook = blockHook(subject, layer, 'attn.hook_v');
  const cache = await subject.forward({ ids: [input.ids], hooks: [hook] }, quiet(context));
  const rows = ids.map(id => {
    const row = rowOf(cache, hook, input.ids.lastIndexOf(id));
    const width = row.length / subject.tower.kvHeads;
    return row.subarray(head * width, (head + 1) * width);
  });
  return matrix(
    rows.length,
    rows[0].length,
    rows.flatMap(row => [...row])
  );
}

const stacked = (a: Matrix, b: Matrix): Matrix => matrix(a.rows + b.rows, a.columns, [...a.data, ...b.data]);
