import type { Figure } from '../../../figures/figure';
import { heatmaps } from '../../../figures/heatmaps';
import { linearAlgebra } from '../../../maths/linear-algebra';
import { transpose } from '../../../maths/matrix';
import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { analysis } from '../../analysis';
import { flag, gappedTensor, object, orNull } from '../../check';
import { headName, indexLabels } from '../../attention/head-values';
import type { ResultTensor } from '../../result';
import { integer, type Spec } from '../../spec/spec';
import { decodeTensor, encodeTensor } from '../../tensor-codec';
import { CIRCUIT_FIELDS } from './circuit-fields';
import { checkCircuit, circuitResult, RESULT_FIELDS, type CircuitResult } from './circuit-result';
import { circuitFigures, circuitSummary, type CircuitWords } from './circuit-view';
import { foldedLayer, kvHeadOf, refusesFolding } from '../folded-heads';
import { positionScores, refusesPositions } from './position-circuit';
import type { BilinearHead, VocabularyCircuit } from './vocabulary-circuit';
import { embeddingSide, refusesEmbedding } from './vocabulary-side';

export interface QkCircuit extends CircuitResult {
  /** W_pos·W_Q·W_Kᵀ·W_posᵀ of the chosen head [query, key]; NaN for keys that are not seen. */
  readonly positions: (ResultTensor & { readonly dtype: 'float32' }) | null;
  readonly rotary: boolean;
}

const SPEC = {
  ...CIRCUIT_FIELDS,
  positions: integer({
    title: 'Positions',
    description:
      'Positions whose scores for one another are shown; only where positions are added to the stream. 0: none.',
    default: 0,
    minimum: 0,
    maximum: 128
  })
};

const FIELDS = object<QkCircuit>({
  ...RESULT_FIELDS,
  positions: orNull(gappedTensor(['query', 'key'])),
  rotary: flag
});

const wordsOf = ({ rotary }: QkCircuit): CircuitWords => ({
  title: 'QK circuits',
  score: 'matching score',
  own: 'attends its own token',
  left: 'asks as',
  right: 'looks for',
  source: 'query token',
  listed: 'looked for most',
  caption: `What a head attends to: W_E·W_Q·W_Kᵀ·W_Eᵀ, query tokens × key tokens. Matching score: the sum of its eigenvalues over the sum of their sizes, 1 where every direction looks for its own tokens. Share: of query tokens whose own token is looked for most.${rotary ? ' Rotary embeddings turn queries against keys by their distance; this is the score at distance 0.' : ''}`
});

export const qkCircuit = analysis<typeof SPEC, QkCircuit>({
  id: 'qk-circuit',
  title: 'QK circuits',
  description: 'Which tokens each head looks for, over the whole vocabulary: which heads attend to the same token.',
  family: 'circuits',
  measure: 'E9',
  theory: {
    kind: 'identity',
    statement:
      'Before scaling, the score of a query token for a key token has the term W_E·W_Q·W_Kᵀ·W_Eᵀ, up to the norms’ scales; where positions are added to the stream, W_pos·W_Q·W_Kᵀ·W_posᵀ is another. The matrix is never made: its eigenvalues are those of W_Kᵀ·(W_Eᵀ·W_E)·W_Q [d_head, d_head]; ranks are counted in blocks of the vocabulary. In post-norm blocks (BERT) tokens pass the linear parts of all earlier norms.',
    caveat:
      'The direct path of bare embeddings: what earlier layers made of tokens, scales of the norms and biases are left out. Rotary embeddings turn queries against keys: the numbers hold at distance 0 and change with distance.',
    references: [
      'Elhage et al. 2021, A Mathematical Framework for Transformer Circuits',
      'Su et al. 2021, arXiv 2104.09864'
    ]
  },
  spec: SPEC,
  refuses: subject => refusesEmbedding(subject) ?? refusesFolding(subject),
  cost: ({ tower }) => ({ forwards: 0, bytes: tower.dModel ** 2 * 8 }),
  compute: (subject, spec, context, seed) => compute(subject, spec, context, seed),
  validateResult(value) {
    const result = checkCircuit(FIELDS, value);
    const shape = result.positions?.shape;
    if (shape && (shape[0] !== shape[1] || shape[0] === 0)) {
      throw new Error(`'result.positions' has shape [${shape.join(', ')}]`);
    }
    return result;
  },
  figures: result => [...circuitFigures(result, wordsOf(result)), ...positionMap(result)],
  summary: result => circuitSummary(result, wordsOf(result))
});

async function compute(subject: Subject, spec: Spec<typeof SPEC>, context: Context, seed: number): Promise<QkCircuit> {
  const { tower } = subject;
  const why = spec.positions > 0 ? refusesPositions(subject) : undefined;
  if (why !== undefined) {
    throw new Error(`${why} (field 'positions' is ${spec.positions})`);
  }
  const circuit = circuitOf(subject);
  const result = await circuitResult(subject, spec, circuit, context, seed);
  const rotary = tower.blocks.some(({ attention }) => attention.rotary);
  if (spec.positions === 0) {
    return { ...result, rotary, positions: null };
  }
  const count = Math.min(spec.positions, tower.maxPositions ?? 0);
  const values = positionScores(subject, circuit.head(result.layer)[result.head], count, await linearAlgebra());
  const positions = encodeTensor({ dims: ['query', 'key'], shape: [count, count] }, values);
  return { ...result, rotary, positions: { ...positions, dtype: 'float32' } };
}

function circuitOf(subject: Subject): VocabularyCircuit {
  const { tower } = subject;
  const side = embeddingSide(subject, tower.embedding!.rows);
  return {
    left: side,
    right: side,
    layers: tower.layers,
    heads: tower.heads,
    head: layer => {
      const { q, k } = foldedLayer(subject, layer, ['q', 'k'], 'whole');
      const keys = k.map(transpose);
      return q.map((a, head): BilinearHead => ({ a, b: keys[kvHeadOf(tower, head)] }));
    }
  };
}

function positionMap({ positions, layer, head }: QkCircuit): Figure[] {
  if (!positions) {
    return [];
  }
  const [count] = positions.shape;
  const flat = decodeTensor(positions);
  const values = Array.from({ length: count }, (_, query) =>
    Array.from(flat.subarray(query * count, (query + 1) * count), value => (Number.isNaN(value) ? null : value))
  );
  const most = flat.reduce((largest, value) => (Math.abs(value) > largest ? Math.abs(value) : largest), 0) || 1;
  const name = headName(layer, head);
  return [
    heatmaps({
      title: `Positions of ${name}`,
      caption:
        'The part of the score that is of positions alone: W_pos·W_Q·W_Kᵀ·W_posᵀ, before the scaling and without the norms’ scales. Rows are queries, the first at the top; keys that are not seen are empty.',
      alt: `Scores of ${count} positions for one another in ${name}, largest size ${most.toPrecision(3)}.`,
      panels: [{ title: name, unit: 'score, unscaled', values, range: [-most, most], signed: true }],
      rows: { title: 'query position', labels: indexLabels(count) },
      columns: { title: 'key position', labels: indexLabels(count) },
      cell: (query, key) => `${query} → ${key}`
    })
  ];
}
