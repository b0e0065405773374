import type { Input, Subject } from '../../../subject/subject';
import type { Context } from '../../../subject/context';
import { analysis } from '../../analysis';
import { HEAD, INPUT } from '../../spec/fields';
import { inputOf } from '../../input';
import type { Spec } from '../../spec/spec';
import { choice, indices, integer, MAX_IDS } from '../../spec/spec';
import { scoreFigures, scoreSummary, type AttentionAttribution } from './attention-view';
import { checkScore, scoreResult } from './score-result';
import { refusesScores, scoreHooks, type ScoreRequest } from './score-terms';

const SPEC = {
  ...INPUT,
  ...HEAD,
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

export const attentionAttribution = analysis<typeof SPEC, AttentionAttribution>({
  id: 'attention-attribution',
  title: 'Attention attribution',
  description: 'Why a head attends: one attention score by the parts of the stream that made the query and the key.',
  family: 'circuits',
  theory: {
    kind: 'identity',
    statement:
      'With the norms’ scales held at their measured values, a query and a key are linear in the residual stream, and so is the rotation by position: the score before the softmax is exactly the sum over pairs Σ_a Σ_b scale · q_a(i)·k_b(j), where a and b run over what wrote into the stream (embeddings, heads, MLPs, biases). Where norms stand behind sums (BERT) or behind the heads (Gemma, OLMo 2), each part passes their linear part, the scale held too. A difference of two keys’ scores is the logarithm of the ratio of their attention weights.',
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
  validateResult: value => checkScore(value, 'result'),
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
  const result = await scoreResult(subject, request, read, context);
  context.progress({ done: 1, total: 1, label: 'done' });
  return result;
}
