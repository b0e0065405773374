import type { Input, Subject } from '../../subject/subject';
import type { Context } from '../../subject/context';
import { analysis } from '../analysis';
import type { Check } from '../check';
import { agree, count, list, number, object, oneOf, table, tensor, text } from '../check';
import { INPUT } from '../fields';
import { input, inputOf } from '../input';
import type { Spec } from '../spec';
import { choice, indices, integer, MAX_IDS, MAX_INDEX } from '../spec';
import { encodeTensor } from '../tensor-codec';
import { REMAINDER } from './attention-side';
import { scoreFigures, scoreSummary, type AttentionAttribution } from './attention-view';
import { refusesScores, scoreHooks, scoreTerms, type ScoreRequest, type ScoreTerms } from './score-terms';
import { topParts } from './top-parts';

/** Parts of each side that are named; the others are added together. */
const KEPT = 40;

const SPEC = {
  ...INPUT,
  layer: integer({
    title: 'Layer',
    description: 'The head’s layer, counted from 0.',
    default: 1,
    minimum: 0,
    maximum: MAX_INDEX
  }),
  head: integer({
    title: 'Head',
    description: 'The head, counted from 0.',
    default: 0,
    minimum: 0,
    maximum: MAX_INDEX
  }),
  query: integer({
    title: 'Query position',
    description: 'The position that attends, counted from 0; negative ones count from the end.',
    default: -1,
    minimum: -MAX_IDS,
    maximum: MAX_IDS - 1
  }),
  keys: indices({
    title: 'Key positions',
    description:
      'The position that is attended, counted from 0; or two: then the difference of the first’s score and the second’s is taken apart. Absent: the position attended most.'
  }),
  by: choice({
    title: 'By',
    description: 'Parts of the stream: single heads, or each layer’s attention as one.',
    options: ['head', 'layer'],
    default: 'head'
  })
};

type AttentionSpec = Spec<typeof SPEC>;

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

export const attentionAttribution = analysis<typeof SPEC, AttentionAttribution>({
  id: 'attention-attribution',
  title: 'Attention attribution',
  description: 'Why a head attends: one attention score by the parts of the stream that made the query and the key.',
  family: 'circuits',
  theory: {
    kind: 'identity',
    statement:
      'With the norms’ scales held at their measured values, a query and a key are linear in the residual stream, and so is the rotation by position: the score before the softmax is exactly the sum over pairs Σ_a Σ_b scale · q_a(i)·k_b(j), where a and b run over what wrote into the stream (embeddings, heads, MLPs, biases). A difference of two keys’ scores is the logarithm of the ratio of their attention weights.',
    caveat:
      'A term says what the score is made of, not what it would be without that part: other parts and the norms’ scales would change. What all keys have in common cancels in the softmax: take the difference of two keys to see what decides between them.',
    references: [
      'Elhage et al. 2021, A Mathematical Framework for Transformer Circuits',
      'Olsson et al. 2022, arXiv 2209.11895',
      'Su et al. 2021, arXiv 2104.09864'
    ]
  },
  spec: SPEC,
  refuses: subject => (subject.tower.layers ? refusesScores(subject, 0) : 'no attention layer was found in this graph'),
  cost(subject, spec) {
    const { ids, layer } = requestOf(subject, spec).request;
    return subject.cost({ ids: [ids], hooks: scoreHooks(subject, layer) });
  },
  compute: (subject, spec, context) => compute(subject, spec, context),
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const [queries, keys] = result.values.shape;
    agree('result.queryParts', queries, result.queryParts.length);
    agree('result.keyParts', keys, result.keyParts.length);
    agree('result.scores', result.keys.length, result.scores.length);
    agree('result.weights', result.keys.length, result.weights.length);
    const outside = [result.query, ...result.keys].find(position => position >= result.input.ids.length);
    if (queries * keys * result.keys.length === 0 || outside !== undefined) {
      throw new Error(
        `'result.keys': ${result.keys.length} keys, position ${outside ?? 0} of ${result.input.ids.length}, ${queries} × ${keys} terms`
      );
    }
    return result;
  },
  figures: result => scoreFigures(result),
  summary: result => scoreSummary(result)
});

/** The spec in this model's numbers; an error names field, value and range. */
function requestOf(subject: Subject, spec: AttentionSpec): { readonly request: ScoreRequest; readonly input: Input } {
  const { tower } = subject;
  const within = (field: string, value: number, size: number): number => {
    if (value < 0 || value >= size) {
      throw new Error(`field '${field}' names ${value}, this input has ${field} 0 to ${size - 1}`);
    }
    return value;
  };
  const read = inputOf(subject, spec);
  const { length } = read.ids;
  const layer = within('layer', spec.layer, tower.layers);
  const head = within('head', spec.head, tower.heads);
  const query = within('query', spec.query < 0 ? length + spec.query : spec.query, length);
  const keys = spec.keys?.map(key => within('keys', key, length));
  if (keys && keys.length > 2) {
    throw new Error(`field 'keys' names ${keys.length} positions, one or two can be taken apart`);
  }
  const why = refusesScores(subject, layer);
  if (why !== undefined) {
    throw new Error(`attention attribution: ${why}`);
  }
  return { input: read, request: { ids: read.ids, layer, head, query, ...(keys && { keys }), by: spec.by } };
}

async function compute(subject: Subject, spec: AttentionSpec, context: Context): Promise<AttentionAttribution> {
  const { request, input: read } = requestOf(subject, spec);
  context.signal.throwIfAborted();
  context.progress({ done: 0, total: 1, label: 'forward 1 of 1' });
  const terms = await scoreTerms(subject, request, context);
  context.progress({ done: 1, total: 1, label: 'done' });
  const { layer, head, query, by } = request;
  return { ...packed(terms), layer, head, query, by, input: read };
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

/** Sizes of the terms that a remainder takes part in. */
const remainderOf = ({ values, queryNames, keyNames }: ScoreTerms): number =>
  values.reduce(
    (sum, row, q) =>
      row.reduce(
        (part, value, k) => (queryNames[q] === REMAINDER || keyNames[k] === REMAINDER ? part + Math.abs(value) : part),
        sum
      ),
    0
  );
