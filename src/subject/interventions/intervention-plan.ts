import type { Anatomy } from '../../anatomy/anatomy';
import { random, type Random } from '../../maths/random';
import type { Tensor } from '../../onnx/tensor';
import { changedWith, type Site, type SiteInputs, type Stage } from '../../surgery/intervene';
import type { RequestSizes } from '../cost';
import { servedHook, type ServedHook } from '../hook-names';
import { INTERVENTION_OPS } from './intervention-ops';
import { operandOf } from './intervention-operand';
import { selectionOf, type Change } from './intervention-selection';
import { affineBytes, affineValues, projectBytes, projectValues } from './intervention-values';
import type { Intervention, Interventions } from './interventions';

/** What a run with interventions needs: the graph's sites, and what its inputs there are fed. */
export interface InterventionPlan {
  readonly sites: readonly Site[];
  /**
   * Tensors for the inputs of the sites, in the same order; first size 1 or the number of rows. `aim` gives each change its places in a run of
   * another length.
   */
  feeds(inputs: readonly SiteInputs[], aim?: Aim): Readonly<Record<string, Tensor>>;
  /** Of all that `feeds` gives. */
  readonly bytes: number;
  readonly changes: readonly PlannedChange[];
}

export interface PlannedChange extends Change {
  readonly hook: ServedHook;
  readonly intervention: Intervention;
  /** The intervention's place, for errors. */
  readonly at: string;
}

export type Aim = (change: PlannedChange) => Change;

interface StagePlan {
  readonly stage: Stage;
  readonly changes: PlannedChange[];
}

interface SitePlan {
  readonly hook: ServedHook;
  readonly stages: StagePlan[];
  readonly wired?: readonly string[];
}

/**
 * Interventions at one tensor make one site; elementwise ones that follow one another make one stage. Throws for an unknown or unverified hook,
 * an index out of range, a value or a run of another size, a run that is not given.
 */
export const planInterventions = (
  anatomy: Anatomy,
  { list, runs = {}, seed = 0, wiring = {} }: Interventions,
  sizes: RequestSizes
): InterventionPlan => {
  const stream = random(seed);
  const plans = new Map<string, SitePlan>();
  for (const [name, others] of Object.entries(wiring)) {
    const hook = servedHook(anatomy, name, false);
    const wired = others.map(other => servedHook(anatomy, other, false).name);
    plans.set(JSON.stringify(hook.source), { hook, stages: [], wired });
  }
  list.forEach((intervention, index) => {
    const hook = servedHook(anatomy, intervention.hook, intervention.allow === 'unverified');
    const key = JSON.stringify(hook.source);
    const site = plans.get(key) ?? { hook, stages: [] };
    plans.set(key, site);
    stageFor(site, INTERVENTION_OPS[intervention.op].stage).changes.push(
      resolve(hook, intervention, runs, sizes, stream, `interventions[${index}]`)
    );
  });
  const ordered = [...plans.values()];
  const stages = ordered.flatMap(plan => plan.stages);
  return {
    sites: ordered.map(({ hook, stages, wired }) => ({
      hook: hook.name,
      stages: stages.map(({ stage }) => stage),
      ...(wired && { wired })
    })),
    feeds: (inputs, aim = same) => Object.assign({}, ...ordered.map((plan, at) => siteFeeds(plan, inputs[at], aim))),
    bytes: stages.reduce((sum, { stage, changes }) => sum + BYTES[stage](changes), 0),
    changes: stages.flatMap(({ changes }) => changes)
  };
};

const same: Aim = change => change;

const BYTES: Readonly<Record<Stage, (changes: readonly Change[]) => number>> = {
  affine: affineBytes,
  project: ([change]) => projectBytes(change)
};

/** Names of the tensors that a list changes besides its hooks' own: 'blocks.0.hook_resid_post' for 'blocks.1.hook_resid_pre'. */
export const alsoChanged = (anatomy: Anatomy, list: readonly Intervention[]): readonly string[] => {
  const named = new Set(list.map(({ hook, allow }) => servedHook(anatomy, hook, allow === 'unverified').name));
  return [...new Set([...named].flatMap(name => changedWith(anatomy, name)))].filter(name => !named.has(name));
};

/** Elementwise changes compose into one; projections do not. */
const stageFor = ({ stages }: SitePlan, stage: Stage): StagePlan => {
  const last = stages.at(-1);
  if (last?.stage === 'affine' && stage === 'affine') {
    return last;
  }
  const next: StagePlan = { stage, changes: [] };
  stages.push(next);
  return next;
};

const resolve = (
  hook: ServedHook,
  intervention: Intervention,
  runs: NonNullable<Interventions['runs']>,
  sizes: RequestSizes,
  stream: Random,
  at: string
): PlannedChange => {
  const selection = selectionOf(hook, intervention, sizes, at);
  return {
    hook,
    intervention,
    at,
    op: intervention.op,
    alpha: intervention.alpha ?? 1,
    selection,
    operand: operandOf({ hook, intervention, selection, runs, sizes, stream, at })
  };
};

const siteFeeds = ({ stages }: SitePlan, inputs: SiteInputs, aim: Aim): Readonly<Record<string, Tensor>> =>
  Object.assign(
    {},
    ...inputs.stages.map((names, at) => {
      const changes = stages[at].changes.map(aim);
      if (names.stage === 'affine') {
        const { select, value, scale, shift } = affineValues(changes);
        return { [names.select]: select, [names.value]: value, [names.scale]: scale, [names.shift]: shift };
      }
      const { gate, direction } = projectValues(changes[0]);
      return { [names.gate]: gate, [names.direction]: direction };
    })
  );
