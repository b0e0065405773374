import type { Anatomy, GraphInput, HookSource } from '../anatomy/anatomy';
import { rowInput } from '../anatomy/certificate/row-input';
import { int, ints } from '../graph/attributes';
import { createBuilder, makeNode, type Builder } from '../graph/build';
import { definedNames } from '../graph/captures';
import { applyEdits } from '../graph/edit';
import { usesOf, type Uses } from '../graph/uses';
import type { Graph, Model } from '../onnx/model';
import { reads } from './graph-flow';
import { viewHook, type HookView, type RunSizeNames } from './hook-coordinates';
import { interventionPoint, type InterventionPoint } from './intervention-point';

/**
 * What is done at a hook, one stage behind the other; x is the value in the hook's shape:
 * - affine: x' = value where `select`, else scale · x + shift;
 * - project: x' = x − gate · (x·u) u, the product over the last axis.
 */
export type Stage = 'affine' | 'project';

export interface Site {
  /** In full. */
  readonly hook: string;
  readonly stages: readonly Stage[];
  /** In full: hooks of the same run whose sum stands there before the stages, in the stead of its own value. */
  readonly wired?: readonly string[];
}

/** Graph inputs of one stage. Each has the hook's rank, and sizes that are the hook's or 1. float32, `select` bool. */
export type StageInputs =
  | {
      readonly stage: 'affine';
      readonly select: string;
      readonly value: string;
      readonly scale: string;
      readonly shift: string;
    }
  | { readonly stage: 'project'; readonly gate: string; readonly direction: string };

export interface SiteInputs {
  readonly hook: string;
  readonly stages: readonly StageInputs[];
}

/**
 * The model with each site's tensor replaced for all its readers; what is put there is fed when it runs, so that one graph
 * serves all values. `select` false, scale 1, shift 0, gate 0 leave every number as it is, bit by bit (also −∞, which
 * x + m·(p − x) would turn into NaN). A hook read from this model is read behind the intervention. Sites follow one another
 * where they are the same tensor. Throws for a hook that cannot be replaced, with the reason.
 */
export const intervene = (
  model: Model,
  anatomy: Anatomy,
  sites: readonly Site[]
): { readonly model: Model; readonly sites: readonly SiteInputs[] } => {
  const uses = usesOf(model.graph);
  const outputs = new Set(model.graph.outputs.map(({ name }) => name));
  const points = sites.map(({ hook }) => interventionPoint(anatomy, uses, outputs, hook));
  const halves = castBack(model);
  let { graph } = model;
  const done = sites.map((site, at) => {
    refuseLoop(uses, anatomy, points[at], site);
    const edited = addSite(graph, model, anatomy, points[at], site, halves);
    graph = edited.graph;
    return { hook: points[at].hook.name, stages: edited.stages };
  });
  return { model: { ...model, graph }, sites: done };
};

/** Other hooks that are the same tensor, so that they change with this one: resid_post of the layer before. */
export const changedWith = ({ hooks }: Anatomy, name: string): readonly string[] => {
  const tensor = hooks.find(hook => hook.name === name)?.source?.tensor;
  return hooks
    .filter(other => other.name !== name && other.source?.tensor === tensor)
    .filter(({ source }) => source?.steps.every(({ op }) => op !== 'normalise'))
    .map(other => other.name);
};

const addSite = (
  graph: Graph,
  model: Model,
  anatomy: Anatomy,
  { hook, source }: InterventionPoint,
  { stages, wired }: Site,
  half: boolean
): { readonly graph: Graph; readonly stages: readonly StageInputs[] } => {
  const taken = new Set([...definedNames(graph), ...graph.nodes.map(({ name }) => name)]);
  const before = freeName(`${hook.name}.before`, taken);
  const builder = createBuilder([...taken, before]);
  const sizes = runSizes(builder, anatomy, hook.name);
  const viewed = (tensor: string, steps: HookSource['steps']): HookView =>
    viewHook(builder, half ? builder.node('Cast', [tensor], [int('to', FLOAT32)]) : tensor, steps, sizes);
  const view = viewed(before, source.steps);
  const others = wired?.map(name => sourceOf(anatomy, name)).map(({ tensor, steps }) => viewed(tensor, steps).tensor);
  let at = others ? others.reduce((sum, tensor) => builder.node('Add', [sum, tensor])) : view.tensor;
  const inputs = stages.map((stage, index) => {
    const named = (part: string): string => `${hook.name}.${index}.${part}`;
    const added = addStage[stage](builder, at, named, hook.dims.length, opsetOf(model));
    at = added.tensor;
    return added.inputs;
  });
  const back = view.back(at);
  const made = half
    ? makeNode('CastLike', [back, before], [source.tensor])
    : makeNode('Identity', [back], [source.tensor]);
  // A node may be called as its tensor was: two of one name are refused by the runtime.
  const last = { ...made, name: freeName(`${hook.name}.after`, taken) };
  const edited = applyEdits(graph, [
    { op: 'rename-produced', tensor: source.tensor, to: before },
    ...builder.edits(),
    { op: 'add-node', node: last }
  ]);
  return { graph: { ...edited, valueInfos: infosWithout(edited, source) }, stages: inputs };
};

const sourceOf = ({ hooks }: Anatomy, name: string): HookSource => {
  const source = hooks.find(hook => hook.name === name)?.source;
  if (source === undefined) {
    throw new Error(`hook unavailable: '${name}' is not in the graph`);
  }
  return source;
};

/** What is put at a tensor must not be made from it. */
const refuseLoop = (uses: Uses, anatomy: Anatomy, { hook, source }: InterventionPoint, { wired = [] }: Site): void => {
  const loop = wired.find(name => isMadeFrom(uses, sourceOf(anatomy, name).tensor, source.tensor));
  if (loop !== undefined) {
    throw new Error(`intervention refused: '${hook.name}' cannot be '${loop}', which is made from it`);
  }
};

const isMadeFrom = (uses: Uses, tensor: string, origin: string): boolean => {
  const seen = new Set([tensor]);
  for (const name of seen) {
    const made = uses.producer(name);
    (made ? reads(made.node) : []).forEach(input => seen.add(input));
  }
  return seen.has(origin);
};

const freeName = (hint: string, taken: ReadonlySet<string>): string => {
  let name = hint;
  for (let count = 1; taken.has(name); count++) {
    name = `${hint}_${count}`;
  }
  return name;
};

/** An expanded tensor has other sizes than the file says. */
const infosWithout = ({ valueInfos }: Graph, { tensor, steps }: HookSource): Graph['valueInfos'] =>
  steps.some(({ op }) => op === 'expand') ? valueInfos.filter(({ name }) => name !== tensor) : valueInfos;

interface Added {
  readonly tensor: string;
  readonly inputs: StageInputs;
}

type AddStage = (builder: Builder, x: string, named: (part: string) => string, rank: number, opset: number) => Added;

const addStage: Readonly<Record<Stage, AddStage>> = {
  affine: (builder, x, named, rank) => {
    const input = (part: string, type: 'float32' | 'bool'): string =>
      builder.input(named(part), type, openShape(named(part), rank));
    const [select, value] = [input('select', 'bool'), input('value', 'float32')];
    const [scale, shift] = [input('scale', 'float32'), input('shift', 'float32')];
    const kept = builder.node('Add', [builder.node('Mul', [x, scale]), shift]);
    const tensor = builder.node('Where', [select, value, kept]);
    return { tensor, inputs: { stage: 'affine', select, value, scale, shift } };
  },
  project: (builder, x, named, rank, opset) => {
    const input = (part: string): string => builder.input(named(part), 'float32', openShape(named(part), rank));
    const [gate, direction] = [input('gate'), input('direction')];
    const product = sumLast(builder, builder.node('Mul', [x, direction]), opset);
    const along = builder.node('Mul', [builder.node('Mul', [product, gate]), direction]);
    return { tensor: builder.node('Sub', [x, along]), inputs: { stage: 'project', gate, direction } };
  }
};

const openShape = (name: string, rank: number): readonly string[] =>
  Array.from({ length: rank }, (_, axis) => `${name}.${axis}`);

/** The axes of ReduceSum are an input since opset 13. */
const sumLast = (builder: Builder, tensor: string, opset: number): string =>
  opset >= 13
    ? builder.node('ReduceSum', [tensor, builder.ints([-1])], [int('keepdims', 1)])
    : builder.node('ReduceSum', [tensor], [ints('axes', [-1]), int('keepdims', 1)]);

const FLOAT32 = 1;
const FLOAT16 = 10;
const BFLOAT16 = 16;
const CAST_LIKE_SINCE = 15;

export const opsetOf = ({ opsets }: Model): number =>
  opsets.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 1;

/** Some weights are half precision. */
export const isHalf = ({ graph }: Model): boolean =>
  graph.initializers.some(({ dataType }) => dataType === FLOAT16 || dataType === BFLOAT16);

/** Half-precision files are computed with in single precision at the sites. */
const castBack = (model: Model): boolean => {
  const half = isHalf(model);
  if (half && opsetOf(model) < CAST_LIKE_SINCE) {
    throw new Error(
      `intervention refused: a half-precision file needs CastLike of opset ${CAST_LIKE_SINCE}, '${model.graph.name}' has opset ${opsetOf(model)}`
    );
  }
  return half;
};

/** The run's batch and positions, read off the ids (or the states) that the hook has the positions of, once for a site and only where a step asks. */
export const runSizes = (builder: Builder, { inputs, hooks }: Anatomy, hook: string): (() => RunSizeNames) => {
  let names: RunSizeNames | undefined;
  const positions = hooks.find(({ name }) => name === hook)?.positions;
  return () => {
    const { input, shape: { length: rank } = [] } = readInput(inputs, positions) ?? {};
    if (input === undefined || (rank !== 1 && rank !== 2 && rank !== 3)) {
      throw new Error(`intervention refused: '${hook}', because the file has no ids [batch, pos] to read sizes from`);
    }
    names ??= sizesOf(builder, input, rank);
    return names;
  };
};

/** The input of these positions; without a name, that of the one sequence there is. */
const readInput = (
  inputs: readonly GraphInput[],
  positions: string | undefined
): ReturnType<typeof rowInput<GraphInput>> => {
  const input = inputs.find(({ name }) => name === positions);
  return input?.role === 'states' ? { input, shape: input.shape ?? [] } : rowInput(input ? [input] : inputs);
};

const sizesOf = (builder: Builder, { name, length }: GraphInput, rank: 1 | 2 | 3): RunSizeNames => {
  const shape = builder.node('Shape', [name]);
  const size = (axis: number): string => builder.node('Gather', [shape, builder.ints([axis])]);
  const pos = length === undefined ? size(rank === 1 ? 0 : 1) : builder.ints([length]);
  return rank === 1 ? { batch: builder.ints([1]), pos } : { batch: size(0), pos };
};
