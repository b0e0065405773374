import type { Anatomy, Tower } from '../../anatomy/anatomy';
import type { Model } from '../../onnx/model';
import type { Tensor, TensorTypeName } from '../../onnx/tensor';
import type { Weights } from '../../onnx/weights';
import type { Prepared } from '../../runtime/runtime';
import { contextModel, pieceModel, planContext, planPiece, type PiecePlan } from '../../surgery/cut-piece';
import { graphFlow, type GraphFlow } from '../../surgery/graph-flow';
import { buildFeeds, type Feedable, type Rows } from '../feeds';
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
  /** The file computes in half precision. */
  readonly half: boolean;
  /** `hook_resid_post` of the layer is what enters the next block: no norm between them. */
  continues(layer: number): boolean;
  /** No piece outside attention reads anything that differs by position: tokens can travel packed. */
  packable(): boolean;
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
  /** In which the file computes. */
  readonly type: 'float32' | 'float16';
}

interface Made {
  readonly prepared: Prepared;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly model: ReturnType<typeof pieceModel>;
}

/** Throws, naming the tensor, where the tower cannot be cut into pieces. */
export const createUnits = (parts: UnitParts): Units => {
  const { model, weights, anatomy, tower, inputs } = parts;
  const flow = graphFlow(model, weights, anatomy);
  const hooks = towerHooks(anatomy, tower);
  const plans = planAll(parts, flow, hooks);
  const crossing = [...new Set([...plans.values()].flatMap(({ context }) => context))];
  const graphInputs = new Set(model.graph.inputs.map(({ name }) => name));
  const computed = crossing.filter(name => !graphInputs.has(name));
  const contextPlan = contextModel(flow, planContext(flow, computed));
  const sessions = new Map<string, Promise<Made>>();
  let contextSession: Promise<Prepared> | undefined;
  let types: ReadonlyMap<string, TensorTypeName> = new Map();

  const context: Units['context'] = async rows => {
    const feeds = buildFeeds(inputs, rows);
    const given = Object.fromEntries(crossing.filter(name => graphInputs.has(name)).map(name => [name, feeds[name]]));
    if (computed.length === 0) {
      return learn(given);
    }
    contextSession ??= parts.prepare(contextPlan.model);
    const own = Object.fromEntries(contextPlan.inputs.map(name => [name, feeds[name]]));
    const sizes = sizeFeeds(contextPlan.sizes, runSizes(flow, inputs, rows.length, rows[0].length));
    return learn({ ...given, ...(await (await contextSession).run({ ...own, ...sizes }, computed)) });
  };
  const learn = (tensors: ContextTensors): ContextTensors => {
    types = new Map([...types, ...Object.entries(tensors).map(([name, { type }]) => [name, type] as const)]);
    return tensors;
  };
  const session = (kind: PieceKind, layer: number): Promise<Made> => {
    const key = `${kind} ${layer}`;
    const plan = plans.get(key) ?? planOne(parts, flow, hooks, kind, layer);
    const made = sessions.get(key) ?? make(parts, flow, plan, types);
    sessions.set(key, made);
    return made;
  };
  const cut = (name: string): string => pieceEnd(anatomy, tower, flow, name).source.tensor;
  return {
    hooks,
    half: parts.type === 'float16',
    continues: layer => cut(hooks.of(layer, 'hook_resid_post')) === cut(hooks.stream(layer + 1)),
    packable: () => [...plans].every(([key, { context: needed }]) => key.startsWith('attend') || needed.length === 0),
    context,
    sizes: (rows, length) => runSizes(flow, inputs, rows, length),
    run: async (kind, layer, values, sizes, given) => {
      const made = await session(kind, layer);
      const feeds = Object.fromEntries(
        values.map(({ dims, data }, at) => [made.inputs[at], { dims, type: 'float32' as const, data }])
      );
      const needed = made.model.model.graph.inputs.flatMap(({ name }) => (name in given ? [[name, given[name]]] : []));
      const results = await made.prepared.run(
        { ...feeds, ...sizeFeeds(made.model.sizes, sizes), ...(Object.fromEntries(needed) as ContextTensors) },
        made.outputs
      );
      return made.outputs.map(name => ({ dims: results[name].dims, data: results[name].data as Float32Array }));
    },
    release: async () => {
      const all = await Promise.allSettled([...sessions.values()]);
      await Promise.all(all.map(result => result.status === 'fulfilled' && result.value.prepared.release()));
      await (await contextSession)?.release();
    }
  };
};

/** The pieces that every row may pass. */
const planAll = (parts: UnitParts, flow: GraphFlow, hooks: TowerHooks): ReadonlyMap<string, PiecePlan> => {
  const plans = new Map<string, PiecePlan>();
  for (let layer = 0; layer < hooks.layers; layer++) {
    const kinds: readonly PieceKind[] = [
      'project',
      'attend',
      'output',
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
  { prepare, type }: UnitParts,
  flow: GraphFlow,
  plan: PiecePlan,
  types: ReadonlyMap<string, TensorTypeName>
): Promise<Made> => {
  const ends = [...plan.inputs, ...plan.outputs].map(({ source }) => [source.tensor, type] as const);
  const model = pieceModel(flow, plan, new Map([...types, ...ends]));
  return { prepared: await prepare(model.model), inputs: model.inputs, outputs: model.outputs, model };
};
