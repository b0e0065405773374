import type { Model } from '../onnx/model';
import type { Tensor } from '../onnx/tensor';
import { inputsOf } from '../graph/inputs-of';
import { createCache } from './cache';
import type { Context } from './context';
import { hookBytes, outputBytes, type RequestSizes } from './cost';
import { servedHook, type ServedHook } from './hook-names';
import { hookValues, outputValues } from './hook-values';
import { checkFedIds } from './inputs/check-fed-ids';
import { checkFeeds } from './inputs/check-feeds';
import { mainInput, ownLengths, type Feedable } from './inputs/feeds';
import { readInput, type InputLimits } from './inputs/input';
import { refuseIds } from './inputs/refuse-ids';
import { givenSequences, refuseOtherRows, refuseUnread } from './inputs/unread';
import { planInterventions, type InterventionPlan } from './interventions/intervention-plan';
import { lastStreams } from './last-streams';
import { nearest } from './near-names';
import { weightBytes } from './opening/facts';
import { refuseNaN } from './refuse-nan';
import type { Chunks } from './session';
import type { Cache, Cost, ForwardRequest, Subject } from './subject';
import type { SubjectParts } from './subject-parts';

/** A subject's forward, and what one costs. */
export const forwardsOf = (parts: SubjectParts, limits: InputLimits): Pick<Subject, 'forward' | 'cost'> => ({
  cost: request => cost(parts, request),
  forward: async (request, context) => {
    refuseIds(parts, request.feeds);
    request.ids.forEach(ids => readInput({ ids }, undefined, limits, parts.facts));
    return forward(parts, request, context);
  }
});

const cost = (parts: SubjectParts, request: ForwardRequest): Cost => {
  const { hooks, outputs } = resolve(parts, request);
  const sizes = sizesOf(request, parts.inputs);
  const batch = mainInput(parts.inputs)?.shape[0] ?? 'batch';
  const plan = planOf(parts, request);
  const bytes = [
    ...[...hooks.values()].map(hook => hookBytes(hook, sizes)),
    ...outputs.map(name => outputBytes(outputType(parts.model, name), sizes, batch)),
    plan?.bytes ?? 0
  ];
  const length = Math.max(1, sizes.length);
  const alone = parts.session.alone(sizes.rows, length, request.feeds, fetchesOf(hooks, outputs));
  const made = (plan && !parts.intervened.holds(plan.sites) ? 1 : 0) + (alone ? 1 : 0);
  const each = parts.time.each();
  return {
    forwards: parts.session.plan(sizes.rows, length, request.feeds).length,
    ...(each !== undefined && { seconds: (sizes.rows * length * each) / 1000 }),
    bytes: bytes.reduce((sum, count) => sum + count, 0),
    ...((plan || alone) && { session: made * weightBytes(parts.facts) })
  };
};

const outputType = (model: Model, name: string) => model.graph.outputs.find(output => output.name === name)?.type;

const forward = async (parts: SubjectParts, request: ForwardRequest, context: Context): Promise<Cache> => {
  const { hooks, outputs } = resolve(parts, request);
  const needs = (output: string, input: string): boolean => inputsOf(parts.model.graph, output).has(input);
  refuseUnread(parts.reading, hooks.values(), outputs, request.feeds, parts.facts.label, needs);
  refuseOtherRows(parts.inputs, hooks.values(), request.feeds, request.ids.length);
  const inputs = givenSequences(parts.inputs, request.feeds, parts.facts.label);
  if (request.feeds && request.ids.length > 0) {
    checkFeeds(inputs, request.feeds, request.ids);
    checkFedIds(parts.anatomy, request.feeds);
  }
  const last = lastStreams(parts.anatomy, [...hooks.keys()]);
  const chunks = await run(parts, inputs, request, fetchesOf(new Map([...last, ...hooks]), outputs), context);
  const [{ length }] = request.ids;
  // What two towers give together has rows of both.
  const joint = chunks.rows.length === 1 && inputs.some(({ name, own }) => own && request.feeds?.[name]);
  const tensors = new Map<string, Tensor>(
    outputs.map(name => [name, joint ? chunks.tensors[name][0] : outputValues(name, chunks)])
  );
  hooks.forEach((hook, name) => tensors.set(name, hookValues(hook, chunks, length)));
  const watched = new Map([...last].map(([name, hook]) => [name, hookValues(hook, chunks, length)] as const));
  const quiet: Context = { signal: context.signal, progress: () => undefined };
  await refuseNaN(
    padded(inputs, request.feeds) ? within(tensors, outputs) : new Map([...tensors, ...watched]),
    { ...parts, sizes: sizesOf(request, inputs) },
    async some => {
      const sources = [...new Set(some.map(({ source }) => source.tensor))];
      const again = await run(parts, inputs, request, sources, quiet);
      return some.map(hook => hookValues(hook, again, length));
    }
  );
  return createCache(tensors);
};

/** Rows of a softmax among padding may be no numbers, and are read by nobody. */
const padded = (inputs: readonly Feedable[], feeds: ForwardRequest['feeds'] = {}): boolean =>
  inputs.some(({ name, role }) => role === 'attention_mask' && feeds[name]?.data.some(value => Number(value) !== 1));

const within = (tensors: ReadonlyMap<string, Tensor>, names: readonly string[]): ReadonlyMap<string, Tensor> =>
  new Map(names.map(name => [name, tensors.get(name)!]));

const fetchesOf = (hooks: ReadonlyMap<string, ServedHook>, outputs: readonly string[]): readonly string[] => [
  ...new Set([...outputs, ...[...hooks.values()].map(({ source }) => source.tensor)])
];

const run = (
  parts: SubjectParts,
  inputs: readonly Feedable[],
  { ids, feeds, interventions }: ForwardRequest,
  fetches: readonly string[],
  context: Context
): Promise<Chunks> => {
  const { session, intervened } = parts;
  const plan = planOf({ ...parts, inputs }, { ids, interventions });
  if (plan === undefined) {
    return session.reading(inputs).run(ids, fetches, feeds, context);
  }
  return intervened.use(plan.sites, made =>
    made.session.reading(inputs).run(ids, fetches, feeds, context, plan.feeds(made.sites))
  );
};

const sizesOf = ({ ids }: Pick<ForwardRequest, 'ids'>, inputs: readonly Feedable[]): RequestSizes => ({
  rows: ids.length,
  length: ids[0]?.length ?? 0,
  lengths: ownLengths(inputs)
});

/** undefined where nothing is changed. */
const planOf = (
  { anatomy, inputs }: SubjectParts,
  { ids, interventions }: Pick<ForwardRequest, 'ids' | 'interventions'>
): InterventionPlan | undefined =>
  interventions === undefined || (interventions.list.length === 0 && interventions.wiring === undefined)
    ? undefined
    : planInterventions(anatomy, interventions, sizesOf({ ids }, inputs));

/** Hooks by the names asked for, and outputs; refuses what is not there, before anything runs. */
const resolve = (
  { anatomy, model, inputs }: SubjectParts,
  { hooks, outputs = [], allowUnverified = false, feeds = {} }: ForwardRequest
): { hooks: ReadonlyMap<string, ServedHook>; outputs: readonly string[] } => {
  refuseUnknown(
    'output',
    outputs,
    model.graph.outputs.map(({ name }) => name)
  );
  refuseUnknown(
    'input',
    Object.keys(feeds),
    inputs.map(({ name }) => name)
  );
  const past = inputs.some(({ name, role }) => role === 'past' && feeds[name]?.data.length > 0);
  const found = hooks.map(name => servedHook(anatomy, name, allowUnverified));
  return { hooks: new Map(hooks.map((name, at) => [name, past ? withCached(found[at]) : found[at]])), outputs };
};

/** Keys and values of a past that is fed are shown before the run's own. */
const withCached = ({ cached, ...hook }: ServedHook): ServedHook => ({
  ...hook,
  ...(cached && { source: cached })
});

const refuseUnknown = (kind: 'input' | 'output', names: readonly string[], known: readonly string[]): void => {
  const unknown = names.find(name => !known.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, known) || ` (${kind}s: ${known.slice(0, 8).join(', ')})`;
    throw new Error(`${kind} unknown: '${unknown}' is not an ${kind} of this model${near}`);
  }
};
