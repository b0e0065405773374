import { linearAlgebra, type LinearAlgebra } from '../../../maths/linear-algebra';
import { random } from '../../../maths/random';
import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { analysis } from '../../analysis';
import type { Check } from '../../check';
import { agree, count, flag, gappedTensor, list, number, object, oneOf, table } from '../../check';
import { paced } from '../../patching/effects';
import { select } from '../../hooks';
import { indices, integer, type Spec } from '../../spec/spec';
import { carried } from './carried-writes';
import { MODES, receivers, scores, senders, type Mode, type Senders } from './composition-scores';
import { BY_HEAD, BY_LAYER, pairCount, pairScores } from './composition-table';
import { compositionFigures, compositionSummary, type Composition } from './composition-view';
import { foldedLayer, kvHeadOf, refusesFolding, type FoldedLayer, type HeadPart } from '../folded-heads';
import { otherTasks } from '../other-tasks';
import { randomComposition } from './random-composition';

const SPEC = {
  layers: indices({
    title: 'Layers',
    description: 'Layers whose heads are paired, counted from 0; absent = all.'
  }),
  samples: integer({
    title: 'Random pairs',
    description: 'Pairs of random matrices of the heads’ shapes for the baseline.',
    default: 30,
    minimum: 5,
    maximum: 500
  })
};

/** Weights of all of them are held, and the work grows with the square. */
const MOST_HEADS = 2048;
const PARTS: readonly HeadPart[] = ['q', 'k', 'v', 'o'];

const FIELDS: Check<Composition> = object<Composition>({
  values: gappedTensor(BY_HEAD, BY_LAYER),
  top: table({ mode: count, from: count, to: count, score: number }),
  pairs: count,
  baselines: list(object({ mean: number, deviation: number }), MODES.length),
  layers: list(count),
  heads: count,
  done: count,
  samples: count,
  norm: oneOf('layer', 'rms', 'none'),
  rotary: flag
});

export const composition = analysis<typeof SPEC, Composition>({
  id: 'composition',
  title: 'Composition of heads',
  description:
    'How much of what an earlier head writes a later head’s queries, keys and values can read, from the weights.',
  family: 'circuits',
  measure: 'E8',
  theory: {
    kind: 'identity',
    statement:
      '‖A·B‖/(‖A‖·‖B‖) in Frobenius norms, A = W_V·W_O of the earlier head, B = W_Q·W_Kᵀ (Q), W_K·W_Qᵀ (K) or W_V·W_O (V) of the later one; two random matrices of the same shapes give about 1/√d_model. Norms’ weights are folded into the weights behind them, and layer norm’s centring with them; the norms of post-norm blocks (BERT) stand on the way from A to B, and their linear parts are multiplied in.',
    caveat:
      'That the number speaks of composition is a heuristic: it takes all directions of the stream for equally likely and knows no activations. Rotary embeddings turn queries and keys against each other between W_Q and W_K; the score leaves that turn out, as at distance 0. Biases are left out.',
    references: [
      'Elhage et al. 2021, A Mathematical Framework for Transformer Circuits',
      'Nanda & Bloom, TransformerLens: HookedTransformer.all_composition_scores'
    ]
  },
  spec: SPEC,
  refuses: subject =>
    subject.tower.layers < 2
      ? 'the model has 1 layer: a head composes with heads of earlier layers'
      : refusesFolding(subject),
  cost(subject, spec) {
    const layers = layersOf(subject, spec);
    const { dModel, heads, dHead } = subject.tower;
    const pairs = (layers.length * (layers.length - 1)) / 2;
    return {
      forwards: 0,
      bytes: layers.length * heads * dHead * dModel * 8,
      operations: pairs * MODES.length * 2 * dModel * (heads * dHead) ** 2
    };
  },
  compute: (subject, spec, context, seed) => compute(subject, spec, context, seed),
  completion: ({ done, layers }) => ({ done, total: layers.length - 1 }),
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const [modes] = result.values.shape;
    const { layers, heads } = result;
    const size = layers.length * heads;
    const isByHead = result.values.dims.join() === BY_HEAD.join();
    const shape = [MODES.length, ...(isByHead ? [pairCount(layers.length, heads)] : [layers.length, layers.length])];
    agree('result.baselines', MODES.length, result.baselines.length);
    if (shape.join() !== result.values.shape.join()) {
      throw new Error(
        `'result.values' has shape [${result.values.shape.join(', ')}] where [${shape.join(', ')}] belongs`
      );
    }
    const { mode, from: sender, to: receiver } = result.top.columns;
    const outside = [...sender, ...receiver].find(head => Number(head) >= size) ?? mode.find(at => Number(at) >= modes);
    if (outside !== undefined) {
      throw new Error(`'result.top' names ${outside} of ${size} heads and ${modes} modes`);
    }
    if (size === 0 || result.done > result.layers.length - 1) {
      throw new Error(`'result.done': ${result.done} of ${result.layers.length} layers with ${result.heads} heads`);
    }
    return result;
  },
  figures: result => compositionFigures(result),
  summary: result => compositionSummary(result)
});

type CompositionSpec = Spec<typeof SPEC>;

/** Throws where nothing composes, and where there are too many pairs to wait for. */
function layersOf({ tower }: Subject, spec: CompositionSpec): readonly number[] {
  const layers = select('layers', spec.layers, tower.layers);
  if (layers.length < 2) {
    throw new Error(`field 'layers' names ${layers.length} layer, composition needs at least 2`);
  }
  const size = layers.length * tower.heads;
  if (size > MOST_HEADS) {
    throw new Error(
      `too many heads: ${size} in ${layers.length} layers, all pairs of at most ${MOST_HEADS} are computed (choose ${Math.floor(MOST_HEADS / tower.heads)} layers in the field 'layers')`
    );
  }
  return layers;
}

async function compute(subject: Subject, spec: CompositionSpec, context: Context, seed: number): Promise<Composition> {
  const layers = layersOf(subject, spec);
  const { tower } = subject;
  const algebra = await linearAlgebra();
  const earlier = context.earlier as Composition | undefined;
  const found = pairScores(layers.length, tower.heads, earlier);
  let done = earlier?.done ?? 0;
  const read = (layer: number): FoldedLayer => foldedLayer(subject, layer, PARTS);
  const groupOf = (head: number): number => kvHeadOf(tower, head);
  const rest = {
    baselines: earlier?.baselines ?? baselinesOf(tower.dModel, read(layers[0]), spec.samples, seed, algebra),
    layers,
    heads: tower.heads,
    samples: spec.samples,
    norm: tower.norm.placement === 'none' ? ('none' as const) : tower.norm.kind,
    rotary: tower.blocks.some(({ attention }) => attention.rotary)
  };
  const offer = paced(context, (): Composition => ({ ...rest, ...found.scored(), done }));
  let writers: Senders[] = [];
  const [total, first] = [(layers.length * (layers.length - 1)) / 2, done];
  for (const [at, layer] of layers.entries()) {
    const folded = read(layer);
    const readers = at > first ? receivers(folded, groupOf, algebra) : undefined;
    writers = at > 0 ? writers.map(one => carried(subject, one, layers[at - 1], layer)) : writers;
    for (let from = 0; readers && from < at; from++) {
      await otherTasks();
      context.signal.throwIfAborted();
      context.progress({ done: (at * (at - 1)) / 2 + from, total, label: `layers ${layers[from]} → ${layer}` });
      MODES.forEach((mode, m) => found.put(m, from, at, scores(writers[from], readers[mode], algebra)));
    }
    done = Math.max(done, at);
    writers.push(senders(folded, groupOf, algebra));
    offer();
  }
  context.progress({ done: total, total, label: 'done' });
  return { ...rest, ...found.scored(), done };
}

/** Of one mode: those of the others differ where values are wider than queries. */
function baselinesOf(
  dModel: number,
  { q, v }: FoldedLayer,
  samples: number,
  seed: number,
  algebra: LinearAlgebra
): Composition['baselines'] {
  const left = v[0].columns;
  const right: Record<Mode, number> = { Q: q[0].columns, K: q[0].columns, V: left };
  const found = new Map(
    [...new Set(Object.values(right))].map(width => [
      width,
      randomComposition({ dModel, left, right: width }, samples, random(seed), algebra)
    ])
  );
  return MODES.map(mode => found.get(right[mode])!);
}
