import type { Input, Subject } from '../../subject/subject';
import type { Patch, Path, PathSweepRequest } from '../../subject/sweep';
import { analysis } from '../analysis';
import type { Check } from '../check';
import { count, flag, gappedTensor, list, number, object, oneOf } from '../check';
import { baselinesOf, completionOf, type Effects } from './effects';
import { effectsFigures, effectsSummary, type EffectsView } from './effects-view';
import { blockHook, missingHook, select } from '../hooks';
import { input } from '../input';
import { decoderOf, ENCODER_INPUT, writingOf } from '../reading';
import { refusesLogits } from '../refuses-logits';
import { measuredPrompts, type MeasuredPrompt } from './measured-prompts';
import { METRICS, metricReadout, type MetricId } from './metric';
import { metricReferences } from './metric-references';
import { DIRECTION, METRIC, NORMALISE, PATCHED_POSITIONS, PROMPTS } from './patching-fields';
import { shortText } from '../short-text';
import { sweptEffects } from './swept-effects';
import { choice, indices, integer, type Spec } from '../spec/spec';

type Receiver = 'logits' | 'q' | 'k' | 'v';

const RECEIVERS: Readonly<Record<Receiver, string>> = {
  logits: 'the logits',
  q: 'queries',
  k: 'keys',
  v: 'values'
};

/** Effects by sender [layer, component]: the heads, then the MLP where blocks have one. */
export interface PathPatching extends Effects {
  readonly receiver: Receiver;
  /** Layer and heads of the receiver; −1 and none for the logits. */
  readonly receiverLayer: number;
  readonly receiverHeads: readonly number[];
  readonly metric: MetricId;
  readonly direction: 'denoising' | 'noising';
  /** The senders' layers 0 … layers − 1, and heads of each. */
  readonly layers: number;
  readonly heads: number;
  readonly mlp: boolean;
  readonly clean: Input;
  readonly corrupted: Input;
  readonly prompts: number;
  readonly method: 'positions' | 'layers' | 'whole';
}

const SPEC = {
  prompts: PROMPTS,
  ...ENCODER_INPUT,
  receiver: choice<Receiver>({
    title: 'Receiver',
    description: 'Where the paths end: the logits, or the queries, keys or values of heads.',
    options: Object.keys(RECEIVERS) as Receiver[],
    default: 'logits'
  }),
  layer: integer({
    title: 'Layer of the receiver',
    description: 'Counted from 0; of no account for the logits.',
    default: 1,
    minimum: 0,
    maximum: 1000
  }),
  heads: indices({
    title: 'Heads of the receiver',
    description: 'Counted from 0 (key/value heads for k and v), all at once; absent = all. Not for the logits.'
  }),
  positions: { ...PATCHED_POSITIONS, description: 'Positions at which the receiver is changed; absent = all.' },
  metric: METRIC,
  direction: DIRECTION,
  normalise: NORMALISE
};

const FIELDS: Check<PathPatching> = object<PathPatching>({
  values: gappedTensor(['layer', 'component']),
  deviations: gappedTensor(['layer', 'component']),
  baselines: object({ clean: number, corrupted: number }),
  normalised: flag,
  done: count,
  receiver: oneOf(...(Object.keys(RECEIVERS) as Receiver[])),
  receiverLayer: number,
  receiverHeads: list(count),
  metric: oneOf(...(Object.keys(METRICS) as MetricId[])),
  direction: oneOf('denoising', 'noising'),
  layers: count,
  heads: count,
  mlp: flag,
  clean: input,
  corrupted: input,
  prompts: count,
  method: oneOf('positions', 'layers', 'whole')
});

export const pathPatching = analysis<typeof SPEC, PathPatching>({
  id: 'path-patching',
  title: 'Path patching',
  description: 'Which heads and MLPs write what a head or the logits read: effects of single direct paths.',
  family: 'circuits',
  theory: {
    kind: 'causal',
    statement:
      'A sender gets its value of the other run, but only along the residual stream to the receiver: every attention and MLP between them keeps its value. The receiver’s queries, keys or values are computed anew from the changed stream, norms included, and what is behind it is run. Exact up to rounding.',
    caveat:
      'A path that goes through another part is not seen from its beginning: follow it backwards, receiver by receiver. Effects of paths do not add up. The corrupted prompt decides which differences are seen.',
    references: ['Wang et al. 2022, arXiv 2211.00593', 'Goldowsky-Dill et al. 2023, arXiv 2304.05969']
  },
  spec: SPEC,
  refuses(opened) {
    const subject = decoderOf(opened);
    return refusesLogits(subject) ?? missingHook(subject, [blockHook(subject, 0, 'attn.hook_z')]);
  },
  cost: (opened, spec) => {
    const subject = writingOf(opened, spec);
    return subject.pathSweepCost(plan(subject, spec).request);
  },
  async compute(opened, spec, context) {
    const subject = writingOf(opened, spec);
    const planned = plan(subject, spec);
    const references = await metricReferences(subject, spec.metric, planned.prompts, context);
    const { request, prompts, labels, axes } = planned;
    return sweptEffects(
      {
        ...axes,
        labels,
        metric: spec.metric,
        normalise: spec.normalise,
        baselines: (base, source) => baselinesOf(base, source, spec.direction === 'denoising'),
        sweep: (cells, { onStart, onCell }) =>
          subject.pathSweep(
            {
              ...request,
              readout: metricReadout(spec.metric, prompts, references),
              paths: cells.map(cell => request.paths[cell]),
              onStart,
              onPath: onCell
            },
            context
          )
      },
      context
    );
  },
  completion: completionOf,
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const shape = [result.layers, result.heads + (result.mlp ? 1 : 0)];
    for (const tensor of [result.values, result.deviations]) {
      if (tensor.shape.join() !== shape.join() || shape.includes(0)) {
        throw new Error(`'result': effects of shape [${tensor.shape.join(', ')}] where [${shape.join(', ')}] belongs`);
      }
    }
    return result;
  },
  figures: result => effectsFigures(viewOf(result)),
  summary: result => effectsSummary(viewOf(result))
});

interface Plan {
  readonly request: PathSweepRequest;
  readonly prompts: readonly MeasuredPrompt[];
  readonly axes: { readonly dims: readonly string[]; readonly shape: readonly number[] };
  readonly labels: Omit<PathPatching, keyof Effects | 'method'>;
}

/** Everything that is known before anything runs; throws for what the model or the prompts do not have. */
function plan(subject: Subject, spec: Spec<typeof SPEC>): Plan {
  const prompts = measuredPrompts(subject, spec.prompts, spec.metric, true);
  const { tower } = subject;
  const { receivers, receiverHeads } = receiversOf(subject, spec, prompts[0].clean.ids.length);
  const layers = spec.receiver === 'logits' ? tower.layers : spec.layer;
  if (layers === 0) {
    throw new Error('path patching: nothing is before layer 0; choose a receiver in a later layer');
  }
  const mlp = tower.mlp !== 'none';
  const senders = Array.from({ length: layers }, (_, layer): Patch[] => [
    ...Array.from({ length: tower.heads }, (__, head) => ({
      hook: blockHook(subject, layer, 'attn.hook_z'),
      heads: [head]
    })),
    ...(mlp ? [{ hook: blockHook(subject, layer, 'hook_mlp_out') }] : [])
  ]).flat();
  const missing = missingHook(subject, [...new Set(senders.map(({ hook }) => hook))]);
  if (missing !== undefined) {
    throw new Error(`path patching: ${missing}`);
  }
  const [clean, corrupted] = [prompts.map(prompt => prompt.clean.ids), prompts.map(prompt => prompt.corrupted.ids)];
  const denoising = spec.direction === 'denoising';
  return {
    prompts,
    request: {
      base: denoising ? corrupted : clean,
      source: { kind: 'run', ids: denoising ? clean : corrupted },
      paths: senders.map((sender): Path => ({ sender, receivers })),
      readout: metricReadout(spec.metric, prompts)
    },
    axes: { dims: ['layer', 'component'], shape: [layers, tower.heads + (mlp ? 1 : 0)] },
    labels: {
      receiver: spec.receiver,
      receiverLayer: spec.receiver === 'logits' ? -1 : spec.layer,
      receiverHeads,
      metric: spec.metric,
      direction: spec.direction,
      layers,
      heads: tower.heads,
      mlp,
      clean: prompts[0].clean,
      corrupted: prompts[0].corrupted,
      prompts: prompts.length
    }
  };
}

const receiversOf = (
  subject: Subject,
  spec: Spec<typeof SPEC>,
  length: number
): { readonly receivers: Path['receivers']; readonly receiverHeads: readonly number[] } => {
  if (spec.receiver === 'logits') {
    if (spec.heads !== undefined) {
      throw new Error(
        "field 'heads' names heads of a receiver, and 'receiver' is 'logits': choose q, k or v, or leave it out"
      );
    }
    return { receivers: 'logits', receiverHeads: [] };
  }
  const { tower } = subject;
  select('layer', [spec.layer], tower.layers);
  const heads = select('heads', spec.heads, spec.receiver === 'q' ? tower.heads : tower.kvHeads);
  const hook = blockHook(subject, spec.layer, `attn.hook_${spec.receiver}`);
  const missing = missingHook(subject, [hook]);
  if (missing !== undefined) {
    throw new Error(`path patching: ${missing}`);
  }
  const pos = spec.positions && select('positions', spec.positions, length);
  return { receivers: [{ hook, heads, ...(pos && { pos }) }], receiverHeads: heads };
};

function viewOf(result: PathPatching): EffectsView {
  const { receiver, receiverLayer, receiverHeads, heads, layers, mlp, metric, direction, clean, corrupted } = result;
  const columns = [...Array.from({ length: heads }, (_, head) => String(head)), ...(mlp ? ['MLP'] : [])];
  const { title, unit } = METRICS[metric];
  const [into, from] = direction === 'denoising' ? ['corrupted', 'clean'] : ['clean', 'corrupted'];
  const named = receiverHeads.map(head => `L${receiverLayer}H${head}`).join(', ');
  const end = receiver === 'logits' ? RECEIVERS.logits : `the ${RECEIVERS[receiver]} of ${shortText(named, 60)}`;
  const scale = result.normalised
    ? `0 is the ${into} run, ${direction === 'denoising' ? '1' : '−1'} the ${from} one.`
    : `Changes from the ${into} run.`;
  const shown = (words: Input): string => shortText(words.labels.join('').replaceAll('·', ' '), 80);
  return {
    title: `Path patching: to ${end}`,
    effects: result,
    rows: { title: 'layer', labels: Array.from({ length: layers }, (_, layer) => String(layer)) },
    columns: { title: mlp ? 'head, MLP' : 'head', labels: columns },
    cell: (row, column) => (column < heads ? `L${row}H${column}` : `MLP ${row}`),
    metric: title,
    unit,
    prompts: result.prompts,
    caption:
      `Each sender’s value of the ${from} run, seen by ${end} alone, in the ${into} run. ${scale} ` +
      `Clean “${shown(clean)}”, corrupted “${shown(corrupted)}”${result.prompts > 1 ? ` and ${result.prompts - 1} more` : ''}.`
  };
}
