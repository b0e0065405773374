import type { Anatomy, Tower } from '../../anatomy/anatomy';
import { elementTypes } from '../../anatomy/element-types';
import type { Model } from '../../onnx/model';
import type { Tensor, TensorTypeName } from '../../onnx/tensor';
import { weightLength, type Weights } from '../../onnx/weights';
import type { Prepared } from '../../runtime/runtime';
import {
  contextModel,
  pieceModel,
  planContext,
  planPiece,
  type PieceModel,
  type PiecePlan
} from '../../surgery/cut-piece';
import { graphFlow, reads, type GraphFlow } from '../../surgery/graph-flow';
import { buildFeeds, type Feedable, type Rows } from '../inputs/feeds';
import { firstTokens } from './cost';
import { createPace, type Pace } from './pace';
import { pieceEnd, pieceEnds, towerHooks, type PieceKind, type TowerHooks } from './pieces';
import { runSizes, sizeFeeds, type RunSizes } from './run-sizes';

/** A tensor of float32 values with its sizes. */
export interface Values {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** The pieces of one tower as sessions: each made when it is first needed, and all together holding the weights once. */
export interface Units {
  readonly hooks: TowerHooks;
  /** Some of what is cut is in half precision. */
  readonly half: boolean;
  /** `hook_resid_post` of the layer is what enters the next block: no norm between them. */
  continues(layer: number): boolean;
  /**
   * What crosses the cuts of the pieces outside attention, for this number of tokens in one row. Throws where that is more than
   * sizes: something that differs by position, so that tokens cannot travel packed.
   */
  tokenContext(tokens: number): Promise<ContextTensors>;
  /** Runs a piece on tensors in its hooks' shapes. `context` where something crosses the cut. */
  run(
    kind: PieceKind,
    layer: number,
    inputs: readonly Values[],
    sizes: RunSizes,
    context: ContextTensors
  ): Promise<Values[]>;
  /** What crosses the cuts, for rows of these ids. */
  context(rows: Rows): Promise<ContextTensors>;
  sizes(rows: number, length: number): RunSizes;
  /** Sizes of runs, by what runs of the pieces took. */
  readonly pace: Pace;
  /** Bytes of weights: of all pieces that every row may pass, and of those that are made. */
  bytes(): { readonly most: number; readonly held: number };
  release(): Promise<void>;
}

export type ContextTensors = Readonly<Record<string, Tensor>>;

export interface UnitParts {
  readonly model: Model;
  readonly weights: Weights;
  readonly anatomy: Anatomy;
  readonly tower: Tower;
  readonly inputs: readonly Feedable[];
  readonly prepare: (model: Model) => Promise<Prepared>;
}

interface Made {
  readonly prepared: Prepared;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly model: PieceModel;
}

/** Throws, naming the tensor, where the tower cannot be cut into pieces. */
export const createUnits = (parts: UnitParts): Units => {
  const { model, weights, anatomy, tower, inputs } = parts;
  const flow = graphFlow(model, weights, anatomy);
  const hooks = towerHooks(anatomy, tower);
  const plans = planAll(parts, flow, hooks);
  const floats = elementTypes(model);
  const crossing = [...new Set([...plans.values()].flatMap(({ context }) => context))];
  const graphInputs = new Set(model.graph.inputs.map(({ name }) => name));
  const computed = crossing.filter(name => !graphInputs.has(name));
  const contextPlan = contextModel(flow, planContext(flow, computed));
  const ofTokens = new Set([...plans].flatMap(([key, plan]) => (IN_ROWS.has(key.split(' ')[0]) ? [] : plan.context)));
  const tokenPlan = contextModel(flow, planContext(flow, [...ofTokens]));
  const sessions = new Map<string, Promise<Made>>();
  let contextSession: Promise<Prepared> | undefined;
  let tokenSizes: Promise<readonly ContextTensors[]> | undefined;
  let types: ReadonlyMap<string, TensorTypeName> = new Map();
  const most = [...plans.values()].reduce((sum, plan) => sum + planBytes(weights, plan), 0);
  let held = 0;
  const pace = createPace(firstTokens(tower));

  const context: Units['context'] = async rows => {
    const feeds = buildFeeds(inputs, rows);
    const given = Object.fromEntries(crossing.filter(name => graphInputs.has(name)).map(name => [name, feeds[name]]));
    if (computed.length === 0) {
      return learn(given);
    }
    contextSession ??= parts.prepare(contextPlan.model);
    return learn({ ...given, ...(await runContext(await contextSession, contextPlan, rows)) });
  };
  const runContext = (prepared: Prepared, plan: PieceModel, rows: Rows): Promise<ContextTensors> => {
    const feeds = buildFeeds(inputs, rows);
    const own = Object.fromEntries(plan.inputs.map(name => [name, feeds[name]]));
    const sizes = sizeFeeds(plan.sizes, runSizes(flow, inputs, rows.length, rows[0].length));
    return prepared.run({ ...own, ...sizes }, plan.outputs);
  };
  /** Seen at a few small numbers of tokens: a run of many would end at the tables' last position. */
  const seen = async (): Promise<readonly ContextTensors[]> => {
    const prepared = await parts.prepare(tokenPlan.model);
    try {
      return await Promise.all(
        SEEN_TOKENS.map(tokens => runContext(prepared, tokenPlan, [Array<number>(tokens).fill(0)]))
      );
    } finally {
      await prepared.release();
    }
  };
  const tokenContext: Units['tokenContext'] = async tokens => {
    if (ofTokens.size === 0) {
      return {};
    }
    tokenSizes ??= seen();
    const runs = await tokenSizes;
    return learn(Object.fromEntries([...ofTokens].map(name => [name, extended(runs, name, tokens)])));
  };
  const learn = (tensors: ContextTensors): ContextTensors => {
    types = new Map([...types, ...Object.entries(tensors).map(([name, { type }]) => [name, type] as const)]);
    return tensors;
  };
  const session = (kind: PieceKind, layer: number): Promise<Made> => {
    const key = `${kind} ${layer}`;
    const plan = plans.get(key) ?? planOne(parts, flow, hooks, kind, layer);
    const found = sessions.get(key);
    const made = found ?? make(parts, flow, plan, new Map([...types, ...endTypes(plan, floats)]));
    held += found ? 0 : planBytes(weights, plan);
    sessions.set(key, made);
    return made;
  };
  const cut = (name: string): string => pieceEnd(anatomy, tower, flow, name).source.tensor;
  return {
    hooks,
    half: [...plans.values()].some(plan => endTypes(plan, floats).some(([, type]) => type === 'float16')),
    continues: layer => cut(hooks.of(layer, 'hook_resid_post')) === cut(hooks.stream(layer + 1)),
    tokenContext,
    context,
    sizes: (rows, length) => runSizes(flow, inputs, rows, length),
    bytes: () => ({ most, held }),
    pace,
    run: async (kind, layer, values, sizes, given) => {
      const made = await session(kind, layer);
      const feeds = Object.fromEntries(
        values.map(({ dims, data }, at) => [made.inputs[at], { dims, type: 'float32' as const, data }])
      );
      const needed = made.model.model.graph.inputs.flatMap(({ name }) => (name in given ? [[name, given[name]]] : []));
      const started = performance.now();
      const results = await made.prepared.run(
        { ...feeds, ...sizeFeeds(made.model.sizes, sizes), ...(Object.fromEntries(needed) as ContextTensors) },
        made.outputs
      );
      const count = sizes.get('batch')! * sizes.get('pos')!;
      pace.record(IN_ROWS.has(kind) ? 'grid' : 'tokens', kind, count, performance.now() - started);
      return made.outputs.map(name => ({ dims: results[name].dims, data: results[name].data as Float32Array }));
    },
    release: async () => {
      const all = await Promise.allSettled([...sessions.values()]);
      await Promise.all(all.map(result => result.status === 'fulfilled' && result.value.prepared.release()));
      await (await contextSession)?.release();
    }
  };
};

/** Of the weights that the nodes read. */
const planBytes = (weights: Weights, { nodes }: PiecePlan): number =>
  [...new Set(nodes.flatMap(reads))].reduce((sum, name) => {
    const weight = weights.get(name);
    return sum + (weight ? weightLength(weight) : 0);
  }, 0);

/** Pieces that take whole rows, however tokens travel. */
const IN_ROWS: ReadonlySet<string> = new Set<PieceKind>(['attend', 'mix', 'cross-attend', 'cross-mix']);

const SEEN_TOKENS = [2, 3, 5];

/** A vector of sizes for another number of tokens: each is a + b · tokens. Throws for anything else. */
const extended = (runs: readonly ContextTensors[], name: string, tokens: number): Tensor => {
  const [{ dims, type }] = runs.map(run => run[name]);
  const [first, second, third] = runs.map(run => Array.from(run[name].data, Number));
  const steps = first.map((value, at) => second[at] - value);
  const [two, three, five] = SEEN_TOKENS;
  const straight = first.every((value, at) => third[at] === value + steps[at] * ((five - two) / (three - two)));
  if (type !== 'int64' || dims.length > 1 || first.length !== second.length || !straight) {
    throw new Error(`cut impossible: '${name}' crosses it and differs by position`);
  }
  const values = first.map((value, at) => BigInt(value + steps[at] * (tokens - two)));
  return { dims, type, data: BigInt64Array.from(values) };
};

const CROSS: readonly PieceKind[] = ['cross-project', 'cross-attend', 'cross-output'];

/** The pieces that every row may pass. */
const planAll = (parts: UnitParts, flow: GraphFlow, hooks: TowerHooks): ReadonlyMap<string, PiecePlan> => {
  const plans = new Map<string, PiecePlan>();
  for (let layer = 0; layer < hooks.layers; layer++) {
    const kinds: readonly PieceKind[] = [
      'project',
      'attend',
      'output',
      ...(hooks.hasCross(layer) ? CROSS : []),
      ...(hooks.hasMid(layer) ? ['mlp' as const] : [])
    ];
    kinds.forEach(kind => plans.set(`${kind} ${layer}`, planOne(parts, flow, hooks, kind, layer)));
  }
  return plans;
};

const planOne = (
  { anatomy, tower }: UnitParts,
  flow: GraphFlow,
  hooks: TowerHooks,
  kind: PieceKind,
  layer: number
): PiecePlan => {
  const { inputs, outputs } = pieceEnds(hooks, kind, layer);
  const ends = (names: readonly string[]): PiecePlan['inputs'] =>
    names.map(name => pieceEnd(anatomy, tower, flow, name));
  return planPiece(flow, { name: `${kind} of block ${layer}`, inputs: ends(inputs), outputs: ends(outputs) });
};

const make = async (
  { prepare }: UnitParts,
  flow: GraphFlow,
  plan: PiecePlan,
  types: ReadonlyMap<string, TensorTypeName>
): Promise<Made> => {
  const model = pieceModel(flow, plan, types);
  return { prepared: await prepare(model.model), inputs: model.inputs, outputs: model.outputs, model };
};

const FLOAT16 = 10;

/** Of what goes into a piece and comes out of it: weights in half precision may be widened before anything is computed with them. */
const endTypes = (
  { inputs, outputs }: PiecePlan,
  floats: ReadonlyMap<string, number>
): readonly (readonly [tensor: string, type: TensorTypeName])[] =>
  [...inputs, ...outputs].map(
    ({ source: { tensor } }) => [tensor, floats.get(tensor) === FLOAT16 ? 'float16' : 'float32'] as const
  );
