import type { Subject } from '../../../subject/subject';
import type { Patch, SweepRequest } from '../../../subject/sweep';
import { blockHook, missingHook, select } from '../../hooks';
import { measuredGroups, promptsOf, type PlacedPrompt } from '../../patching/measured-prompts';
import { metricReadout } from '../../patching/metric';
import { METRIC, NORMALISE, PATCHED_LAYERS, PROMPTS } from '../../patching/patching-fields';
import { AUTO } from '../../prompts/sets';
import type { Prompt, Spec } from '../../spec/spec';
import { choice } from '../../spec/spec';
import { byPosition, byRole, samePlaces, type TracingPlaces } from './tracing-places';
import { CONDITIONS, TRACED_BY, TRACED_HOOKS, type CausalTracing, type Condition } from './tracing-view';

export const TRACING = {
  prompts: {
    ...PROMPTS,
    description:
      "A set of prompts: [{clean, corrupted, corrupted2, answer: {correct: [' Mary'], wrong: [' John']}}]. The second corrupted version may be left out everywhere. Prompts may differ in length, the versions of one may not.",
    default: { set: AUTO, n: 8, seed: 0 }
  },
  by: choice({
    title: 'By',
    description:
      'One patch for each head (z, at all positions), for each layer’s attention and MLP, for the hook at each position (prompts of one length), or for the hook at positions by their role: the tokens that differ between the versions, those after them, the last one.',
    options: TRACED_BY,
    default: 'head'
  }),
  hook: choice({
    title: 'Hook',
    description:
      'What is patched by position or role: the stream before each block, or what attention or the MLP adds.',
    options: TRACED_HOOKS,
    default: 'resid_pre'
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
  /** One for each cell, in the order of the results; `positions` of the prompts of a group are still to be given where there are places. */
  readonly patches: readonly Patch[];
  readonly places?: TracingPlaces;
  readonly shape: readonly [number, number];
  readonly labels: Pick<
    CausalTracing,
    'by' | 'metric' | 'layers' | 'heads' | 'mlp' | 'prompts' | 'lengths' | 'clean' | 'corrupted' | 'hook' | 'columns'
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
  const places = placesOf(spec, sets.flat(2), tower.causal);
  const names = places ? [`hook_${spec.hook}`] : HOOKS[spec.by === 'head' ? 'head' : mlp ? 'both' : 'attention'];
  const hooks = layers.map(layer => names.map(name => blockHook(subject, layer, name)));
  const missing = missingHook(subject, hooks.flat());
  if (missing !== undefined) {
    throw new Error(`causal tracing: ${missing}`);
  }
  const patches = hooks.flatMap(own =>
    places
      ? places.names.map((): Patch => ({ hook: own[0] }))
      : spec.by === 'head'
        ? Array.from({ length: tower.heads }, (_, head): Patch => ({ hook: own[0], heads: [head] }))
        : own.map((hook): Patch => ({ hook }))
  );
  const [first] = sets[0][0];
  return {
    groups: sets[0].flatMap((_, at) => {
      const group = sets.map(set => set[at]);
      return places ? samePlaces(places, group) : [group];
    }),
    counterfactuals: sets.length,
    count: given.length,
    patches,
    ...(places && { places }),
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
      corrupted: sets.map(set => set[0][0].corrupted),
      ...(places && { hook: spec.hook, columns: places.names })
    }
  };
}

const HOOKS = {
  head: ['attn.hook_z'],
  attention: ['hook_attn_out'],
  both: ['hook_attn_out', 'hook_mlp_out']
} as const;

const placesOf = ({ by }: TracingSpec, prompts: readonly PlacedPrompt[], causal: boolean): TracingPlaces | undefined =>
  by === 'position' ? byPosition(prompts) : by === 'role' ? byRole(prompts, causal) : undefined;

/** The patches of these cells for prompts whose places are the same. */
const placed = ({ patches, places }: TracingPlan, [first]: readonly PlacedPrompt[]): readonly Patch[] =>
  places
    ? patches.map((patch, cell) => ({ ...patch, pos: places.positions(cell % places.names.length, first) }))
    : patches;

const secondOf = ({ corrupted2, ...prompt }: Prompt): Prompt => ({
  ...prompt,
  ...(corrupted2 !== undefined && { corrupted: corrupted2 })
});

export function requestOf(
  spec: TracingSpec,
  planned: TracingPlan,
  group: Group,
  { counterfactual, denoising }: Omit<Condition, 'name'>,
  references?: readonly Float64Array[]
): SweepRequest {
  const prompts = group[counterfactual];
  const [clean, corrupted] = [prompts.map(prompt => prompt.clean.ids), prompts.map(prompt => prompt.corrupted.ids)];
  return {
    base: denoising ? corrupted : clean,
    source: { kind: 'run', ids: denoising ? clean : corrupted },
    patches: placed(planned, prompts),
    readout: metricReadout(spec.metric, prompts, references)
  };
}
