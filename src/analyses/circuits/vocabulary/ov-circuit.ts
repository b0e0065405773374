import type { Subject } from '../../../subject/subject';
import { analysis } from '../../analysis';
import { CIRCUIT_FIELDS } from './circuit-fields';
import { checkCircuit, circuitCheck, circuitResult, type CircuitResult } from './circuit-result';
import { circuitFigures, circuitSummary, type CircuitWords } from './circuit-view';
import { foldedLayer, kvHeadOf, refusesFolding } from '../folded-heads';
import type { VocabularyCircuit } from './vocabulary-circuit';
import { embeddingSide, refusesEmbedding, refusesUnembedding, unembeddingSide } from './vocabulary-side';

const WORDS: CircuitWords = {
  title: 'OV circuits',
  score: 'copying score',
  own: 'writes its own token',
  left: 'reads',
  right: 'writes',
  source: 'source token',
  listed: 'written most',
  caption:
    'What a head adds to the logits where it attends to a token: W_E·W_V·W_O·W_U, tokens × tokens. Copying score: the sum of its eigenvalues over the sum of their sizes, 1 where every direction raises its own tokens. Share: of source tokens whose own logit is raised most.'
};

export const ovCircuit = analysis<typeof CIRCUIT_FIELDS, CircuitResult>({
  id: 'ov-circuit',
  title: 'OV circuits',
  description: 'What each head writes for the token that it attends to, over the whole vocabulary: which heads copy.',
  family: 'circuits',
  measure: 'E9',
  theory: {
    kind: 'identity',
    statement:
      'A head that attends to a token adds the row of W_E·W_V·W_O·W_U of that token to the logits, up to the norms’ scales. The matrix is never made: its eigenvalues are those of W_O·(W_U·W_E)·W_V [d_head, d_head]; ranks are counted in blocks of the vocabulary. The linear parts of norms on the direct way (post-norms, norms behind the heads) are multiplied in.',
    caveat:
      'The direct path of bare embeddings: what earlier layers made of a token (in many models the first MLP), positions, scales of the norms and biases are left out. A high copying score is neither needed nor enough for a head that copies on text.',
    references: [
      'Elhage et al. 2021, A Mathematical Framework for Transformer Circuits',
      'McDougall et al., ARENA: full OV circuit and copying heads',
      'Millidge & Black 2022, The Singular Value Decompositions of Transformer Weight Matrices are Highly Interpretable'
    ]
  },
  spec: CIRCUIT_FIELDS,
  refuses: subject => refusesUnembedding(subject) ?? refusesEmbedding(subject) ?? refusesFolding(subject),
  cost: ({ tower }) => ({ forwards: 0, bytes: tower.dModel ** 2 * 8 }),
  compute: (subject, spec, context, seed) => circuitResult(subject, spec, circuitOf(subject), context, seed),
  validateResult: value => checkCircuit(circuitCheck, value),
  figures: result => circuitFigures(result, WORDS),
  summary: result => circuitSummary(result, WORDS)
});

function circuitOf(subject: Subject): VocabularyCircuit {
  const { tower } = subject;
  const size = Math.min(tower.embedding!.rows, tower.dVocab!);
  return {
    left: embeddingSide(subject, size),
    right: unembeddingSide(subject, size),
    layers: tower.layers,
    heads: tower.heads,
    head: layer => {
      const { v, o } = foldedLayer(subject, layer, ['v', 'o'], 'whole');
      return o.map((b, head) => ({ a: v[kvHeadOf(tower, head)], b }));
    }
  };
}
