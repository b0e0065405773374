import type { Subject } from '../../subject/subject';
import type { Patch, SweepRequest } from '../../subject/sweep';
import { blockHook, missingHook, select } from '../hooks';
import { measuredGroups, promptsOf, type PlacedPrompt } from '../measured-prompts';
import { metricReadout } from '../metric';
import { METRIC, NORMALISE, PATCHED_LAYERS, PROMPTS } from '../patching-fields';
import { AUTO } from '../prompts/sets';
import type { Prompt, Spec } from '../spec';
import { choice } from '../spec';
import { CONDITIONS, type CausalTracing, type Condition } from './tracing-view';

export const TRACING = {
  prompts: {
    ...PROMPTS,
    description:
      "A set of prompts: [{clean, corrupted, corrupted2, answer: {correct: [' Mary'], wrong: [' John']}}]. The second corrupted version may be left out everywhere. Prompts may differ in length, the versions of one may not.",
    default: { set: AUTO, n: 8, seed: 0 }
  },
  by: choice({
    title: 'By',
    description: 'One patch for each head (z, at all positions), or for each layer’s attention and MLP.',
    options: ['head', 'component'],
    default: 'head'
  }),
  metric: METRIC,
  normalise: NORMALISE,
  layers: PATCHED_LAYERS
};

export type TracingSpec = Spec<typeof TRACING>;

export interface TracingPlan {
  /** Of each counterfactual, the same prompts in groups of one length. */
  readonly groups: readonly Group[];
  readonly counterfactuals: number;
  readonly count: number;
  readonly patches: readonly Patch[];
  readonly shape: readonly [number, number];
  readonly labels: Pick<
    CausalTracing,
    'by' | 'metric' | 'layers' | 'heads' | 'mlp' | 'prompts' | 'lengths' | 'clean' | 'corrupted'
  >;
}

/** Prompts of one length, with each counterfactual. */
export type Group = readonly (readonly PlacedPrompt[])[];

export const conditionsOf = ({ counterfactuals }: Pick<TracingPlan, 'counterfactuals'>): readonly Condition[] =>
  CONDITIONS.slice(0, 2 * counterfactuals);

/** Everything that is known before anything runs; throws for what the model or the prompts do not have. */
export function tracingPlan(subject: Subject, spec: TracingSpec): TracingPlan {
  const { tower } = subject;
  const given = promptsOf(subject, spec.prompts);
  const second = given.map(({ corrupted2 }) => corrupted2 !== undefined);
  if (second.includes(true) && second.includes(false)) {
    throw new Error(
      `second corrupted prompt missing: prompts[${second.indexOf(false)}] has none where prompts[${second.indexOf(true)}] has one`
    );
  }
  const sets = [given, ...(second[0] ? [given.map(secondOf)] : [])].map(prompts =>
    measuredGroups(subject, prompts, spec.metric, true)
  );
  const layers = select('layers', spec.layers, tower.layers);
  const mlp = tower.mlp !== 'none';
  const names = spec.by === 'head' ? ['attn.hook_z'] : ['hook_attn_out', ...(mlp ? ['hook_mlp_out'] : [])];
  const hooks = layers.map(layer => names.map(name => blockHook(subject, layer, name)));
  const missing = missingHook(subject, hooks.flat());
  if (missing !== undefined) {
    throw new Error(`causal tracing: ${missing}`);
  }
  const patches = hooks.flatMap(own =>
    spec.by === 'head'
      ? Array.from({ length: tower.heads }, (_, head): Patch => ({ hook: own[0], heads: [head] }))
      : own.map((hook): Patch => ({ hook }))
  );
  const [first] = sets[0][0];
  return {
    groups: sets[0].map((_, at) => sets.map(set => set[at])),
    counterfactuals: sets.length,
    count: given.length,
    patches,
    shape: [layers.length, patches.length / layers.length],
    labels: {
      by: spec.by,
      metric: spec.metric,
      layers,
      heads: tower.heads,
      mlp,
      prompts: given.length,
      lengths: sets[0].map(([{ clean }]) => clean.ids.length),
      clean: first.clean,
      corrupted: sets.map(set => set[0][0].corrupted)
    }
  };
}

const secondOf = ({ corrupted2, ...prompt }: Prompt): Prompt => ({
  ...prompt,
  ...(corrupted2 !== undefined && { corrupted: corrupted2 })
});

export function requestOf(
  spec: TracingSpec,
  { patches }: TracingPlan,
  group: Group,
  { counterfactual, denoising }: Omit<Condition, 'name'>,
  references?: readonly Float64Array[]
): SweepRequest {
  const prompts = group[counterfactual];
  const [clean, corrupted] = [prompts.map(prompt => prompt.clean.ids), prompts.map(prompt => prompt.corrupted.ids)];
  return {
    base: denoising ? corrupted : clean,
    source: { kind: 'run', ids: denoising ? clean : corrupted },
    patches,
    readout: metricReadout(spec.metric, prompts, references)
  };
}
