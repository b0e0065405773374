import type { Context } from '../../../subject/context';
import type { Input, Subject } from '../../../subject/subject';
import type { Check } from '../../check';
import { agree, count, list, number, object, oneOf, table, tensor, text } from '../../check';
import { input } from '../../input';
import { encodeTensor } from '../../tensor-codec';
import { REMAINDER, ROUNDING } from './attention-side';
import type { AttentionAttribution } from './attention-view';
import { scoreTerms, type ScoreRequest, type ScoreTerms } from './score-terms';
import { topParts } from './top-parts';

/** Parts of each side that are named; the others are added together. */
const KEPT = 40;

const FIELDS: Check<AttentionAttribution> = object<AttentionAttribution>({
  values: tensor('float32', 'query_part', 'key_part'),
  queryParts: list(text, KEPT + 1),
  keyParts: list(text, KEPT + 1),
  sum: number,
  remainder: number,
  scores: list(number, 2),
  weights: list(number, 2),
  writes: table({ name: text, value: number }),
  layer: count,
  head: count,
  query: count,
  keys: list(count, 2),
  by: oneOf('head', 'layer'),
  input
});

/** A saved result, hostile until shown otherwise. */
export const checkScore: Check<AttentionAttribution> = (value, at) => {
  const result = FIELDS(value, at);
  const [queries, keys] = result.values.shape;
  agree(`${at}.queryParts`, queries, result.queryParts.length);
  agree(`${at}.keyParts`, keys, result.keyParts.length);
  agree(`${at}.scores`, result.keys.length, result.scores.length);
  agree(`${at}.weights`, result.keys.length, result.weights.length);
  const outside = [result.query, ...result.keys].find(position => position >= result.input.ids.length);
  if (queries * keys * result.keys.length === 0 || outside !== undefined) {
    throw new Error(
      `'${at}.keys': ${result.keys.length} keys, position ${outside ?? 0} of ${result.input.ids.length}, ${queries} × ${keys} terms`
    );
  }
  return result;
};

export async function scoreResult(
  subject: Subject,
  request: ScoreRequest,
  read: Input,
  context: Context
): Promise<AttentionAttribution> {
  const { layer, head, query, by } = request;
  return { ...packed(await scoreTerms(subject, request, context)), layer, head, query, by, input: read };
}

function packed(terms: ScoreTerms): Omit<AttentionAttribution, 'layer' | 'head' | 'query' | 'by' | 'input'> {
  const { queryNames, keyNames, scores, weights, keys, writes } = terms;
  const { rows, columns, values } = topParts({ rows: queryNames, columns: keyNames, values: terms.values }, KEPT);
  const labels = { dims: ['query_part', 'key_part'], shape: [rows.length, columns.length], unit: 'score' };
  const flat = values.flatMap(row => [...row]);
  return {
    values: { ...encodeTensor(labels, Float32Array.from(flat)), dtype: 'float32' },
    queryParts: rows,
    keyParts: columns,
    sum: flat.reduce((sum, value) => sum + value, 0),
    remainder: remainderOf(terms),
    scores,
    weights,
    keys,
    writes: { columns: { name: writes.map(({ name }) => name), value: writes.map(({ value }) => value) } }
  };
}

/** Sizes of the terms that a remainder or rounding takes part in. */
const remainderOf = ({ values, queryNames, keyNames }: ScoreTerms): number => {
  const isRest = (name: string): boolean => name === REMAINDER || name === ROUNDING;
  return values.reduce(
    (sum, row, q) =>
      row.reduce(
        (part, value, k) => (isRest(queryNames[q]) || isRest(keyNames[k]) ? part + Math.abs(value) : part),
        sum
      ),
    0
  );
};
