import { logSoftmax } from '../../maths/log-softmax';
import type { Context } from '../../subject/context';
import type { Input, Subject } from '../../subject/subject';
import { agree } from '../check';
import { INPUT } from '../spec/fields';
import { BASELINE } from '../baseline';
import { profileRows, type ProfileMeasure } from '../geometry/profile';
import { profileAnalysis, type Measured } from '../geometry/profile-analysis';
import { short } from '../geometry/profile-view';
import { input } from '../input';
import { DECODER_INPUT, ownInput, readingOf } from '../reading';
import { tokenAxis } from '../token-axis';
import { lastLayerCost, readLastLayer, refusesLastLayer, refuseUnlinear } from './last-layer';

const UNIT = 'nats per squared weight';
const MEASURES: readonly ProfileMeasure[] = [
  { title: 'Gauss–Newton trace', unit: UNIT },
  { title: 'empirical Fisher trace', unit: UNIT }
];

/**
 * By position: ‖h‖²(1 − Σ p²), the trace of (diag(p) − ppᵀ) ⊗ hhᵀ, and ‖h‖²‖p − y‖², y the next token (NaN at the last position and in
 * bidirectional models).
 */
export const gaussNewtonTrace = profileAnalysis({
  id: 'gauss-newton-trace',
  title: 'Last-layer sharpness',
  description:
    'How sharply each token’s loss bends as the unembedding moves: an exact trace of curvature, from one forward.',
  family: 'generalisation',
  measure: 'G6b',
  theory: {
    kind: 'identity',
    statement:
      'The loss −ln p_y is convex in the logits with Hessian diag(p) − ppᵀ, and the logits are linear in W_U, so that the Hessian of the loss in W_U is (diag(p) − ppᵀ) ⊗ hhᵀ and equals its Gauss–Newton matrix (Schraudolph 2002; Martens 2020): its trace is ‖h‖²(1 − Σ p²). Beside it the squared gradient ‖h‖²‖p − y‖², the trace of the empirical Fisher matrix. Flat minima are taken to generalise (Hochreiter & Schmidhuber 1997; Keskar et al. 2017).',
    caveat:
      'Sharpness as an explanation of generalisation is contested: rescaling layers changes it and not the function (Dinh et al. 2017). It is the curvature in W_U alone; where W_U is tied to the embedding it is taken as a matrix of its own; where logits are scaled or capped behind it, or a layer stands before it, it is refused. A confident model is flat here whether it is right or wrong: the empirical Fisher trace beside it tells the two apart.',
    references: [
      'Schraudolph 2002, Neural Computation 14',
      'Martens 2020, arXiv 1412.1193',
      'Hochreiter & Schmidhuber 1997, Neural Computation 9',
      'Keskar et al. 2017, arXiv 1609.04836',
      'Dinh et al. 2017, arXiv 1703.04933'
    ]
  },
  spec: { ...INPUT, ...DECODER_INPUT, ...BASELINE },
  view: (opened, spec) => readingOf(opened, spec, 'decoder').subject,
  measures: MEASURES,
  assumes: ['tied'],
  refuses: refusesLastLayer,
  cost: (subject, spec) => lastLayerCost(subject, ownInput(subject, spec).ids),
  read: ownInput,
  measured,
  reads: 'weights',
  keeps: (read: Input) => ({ input: read }),
  checks: { input },
  agrees: ({ input: { ids }, values }) => agree('result.values places', ids.length, values.shape[1]),
  axis: ({ input: read }) => tokenAxis(read),
  figures: ({ input: { ids } }, { draw }) => [
    draw({
      title: 'Last-layer sharpness',
      caption: `Trace of the Hessian of each token’s loss in the unembedding, and of its squared gradient for the token that follows; one text of ${ids.length} tokens, logarithmic axis.`,
      y: `trace (${UNIT})`,
      log: true,
      measures: [0, 1]
    })
  ],
  heading: ({ input: { ids }, values }) => [
    `Last-layer sharpness: ${ids.length} tokens, ${UNIT}`,
    `mean Gauss–Newton trace: ${short(profileRows(values)[0].reduce((sum, one) => sum + one / ids.length, 0))}`
  ]
});

async function measured(subject: Subject, { ids }: Input, context: Context): Promise<Measured> {
  context.progress({ done: 0, total: 1, label: 'forward' });
  const layer = await readLastLayer(subject, ids, context);
  refuseUnlinear(subject, layer);
  const { hidden, logits } = layer;
  const traces = ids.map((_, at) => {
    const next = subject.tower.causal ? ids[at + 1] : undefined;
    return tracesOf(hidden[at], logits[at], next);
  });
  return { rows: MEASURES.map((_, m) => traces.map(pair => pair[m])) };
}

/** In double precision; 1 − Σ p² is summed as Σ p(1 − p), which does not cancel where p is near 1. */
function tracesOf(h: Float32Array, z: Float32Array, next: number | undefined): readonly [number, number] {
  const p = logSoftmax(z).map(Math.exp);
  const length = h.reduce((sum, value) => sum + value ** 2, 0);
  const spread = p.reduce((sum, one) => sum + one * (1 - one), 0);
  if (next === undefined || next >= p.length) {
    return [length * spread, NaN];
  }
  const others = p.reduce((sum, one, id) => sum + (id === next ? 0 : one ** 2), 0);
  const missed = p.reduce((sum, one, id) => sum + (id === next ? 0 : one), 0);
  return [length * spread, length * (missed ** 2 + others)];
}
