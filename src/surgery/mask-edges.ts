import type { Anatomy, HookSource, Tower } from '../anatomy/anatomy';
import { int } from '../graph/attributes';
import { createBuilder, makeNode, untyped, type Builder } from '../graph/build';
import { definedNames } from '../graph/captures';
import { applyEdits, type Edit } from '../graph/edit';
import { uniqueNames } from '../graph/unique-names';
import { nodeLabel } from '../graph/uses';
import type { Model } from '../onnx/model';
import { clonePath, clonePaths, pathBetween, type Path } from './clone-path';
import { receiversOf, sendersOf, type Receiver, type Sender } from './edge-names';
import { viewHook, type HookView } from './hook-coordinates';
import { isHalf, opsetOf, runSizes } from './intervene';

/** A model whose edges between what writes into the residual stream and what reads it can be given other numbers. */
export interface EdgeModel {
  readonly model: Model;
  readonly senders: readonly Sender[];
  readonly receivers: readonly Receiver[];
  /** Input, float32 [batch or 1, pos or 1, receiver, sender]: 0 leaves an edge as it is, 1 carries the other value. */
  readonly mask: string;
  /** Input, float32 [batch or 1, pos or 1, sender, d_model]: what each sender writes instead. */
  readonly patch: string;
  /** Output: what each sender writes in this run, [batch, pos, sender, d_model]; a head without the bias of the output projection. */
  readonly written: string;
}

/**
 * Receiver v reads `stream + Σ_u mask[v, u] · (patch_u − written_u)`: its norm and projections are computed on that by the file's own nodes, once
 * more for each head. A mask of zeros changes nothing. Only `chosen` receivers can be changed, and each of them adds nodes. Throws where norms stand in the
 * stream itself, where a head does not enter it linearly, where a hook is not verified, and for half precision.
 */
export const maskEdges = (
  model: Model,
  anatomy: Anatomy,
  tower: Tower,
  chosen: (receiver: Receiver) => boolean = () => true
): EdgeModel => {
  refuseTower(model, tower);
  const unique = uniqueNames([...definedNames(model.graph), ...model.graph.nodes.map(({ name }) => name)]);
  const builder = createBuilder(unique);
  const senders = sendersOf(tower);
  const receivers = receiversOf(tower).filter(chosen);
  const sides = ['edges.batch', 'edges.pos'];
  const mask = builder.input('edges.mask', 'float32', [...sides, receivers.length, senders.length]);
  const patch = builder.input('edges.patch', 'float32', [...sides, senders.length, tower.dModel]);
  const work: Work = { model, anatomy, tower, builder, unique, receivers, mask, patch, sites: [] };
  const written = throughBlocks(work, writtenStack(work));
  const graph = applyEdits(model.graph, [
    ...work.sites,
    ...builder.edits(),
    { op: 'add-output', info: untyped(written) }
  ]);
  return { model: { ...model, graph }, senders, receivers, mask, patch, written };
};

interface Work {
  readonly model: Model;
  readonly anatomy: Anatomy;
  readonly tower: Tower;
  readonly builder: Builder;
  readonly unique: (hint: string) => string;
  readonly receivers: readonly Receiver[];
  readonly mask: string;
  readonly patch: string;
  /** Edits that put something else under a tensor's name. */
  readonly sites: Edit[];
}

/** Blocks in the order in which they read and write; gives what all senders write. */
const throughBlocks = (work: Work, stack: Stack): string => {
  const { tower } = work;
  stack.push(oneSender(work, stream(work, 'blocks.0.hook_resid_pre')), 1);
  tower.blocks.forEach(({ mlp }, layer) => {
    (['q', 'k', 'v'] as const).forEach(kind => readByHeads(work, stack, layer, kind));
    const read = (): void => void (mlp && readByMlp(work, stack, layer));
    // In parallel blocks the MLP reads what the heads read.
    (tower.parallel ? read : nothing)();
    stack.push(writtenByHeads(work, layer), tower.heads);
    (tower.parallel ? nothing : read)();
    if (mlp) {
      stack.push(oneSender(work, viewOf(work, source(work, `blocks.${layer}.hook_mlp_out`)).tensor), 1);
    }
  });
  readByLogits(work, stack);
  return stack.written();
};

const nothing = (): void => undefined;

/** What senders have written so far, and how much that differs from what they should write. */
interface Stack {
  /** [batch, pos, count, d_model] */
  push(written: string, count: number): void;
  differences(): string;
  written(): string;
}

const writtenStack = ({ builder, patch }: Work): Stack => {
  const parts: string[] = [];
  let differences: string | undefined;
  let count = 0;
  return {
    push: (written, more) => {
      const wanted = sliced(builder, patch, 2, count, count + more);
      const difference = builder.node('Sub', [wanted, written]);
      differences = differences === undefined ? difference : joined(builder, [differences, difference]);
      parts.push(written);
      count += more;
    },
    differences: () => differences!,
    written: () => joined(builder, parts)
  };
};

const sliced = (builder: Builder, tensor: string, axis: number, from: number, to: number): string =>
  builder.node('Slice', [tensor, builder.ints([from]), builder.ints([to]), builder.ints([axis])]);

/** Along senders or heads. */
const joined = (builder: Builder, parts: readonly string[]): string =>
  parts.length === 1 ? parts[0] : builder.node('Concat', parts, [int('axis', 2)]);

/** [batch, pos, d_model] → [batch, pos, 1, d_model] */
const oneSender = ({ builder, tower }: Work, tensor: string): string =>
  builder.node('Reshape', [tensor, builder.ints([0, 0, 1, tower.dModel])]);

/** The stream as each of these receivers reads it, [batch, pos, d_model]; empty where none is chosen. */
const readStreams = (
  work: Work,
  stack: Stack,
  at: string,
  wanted: (receiver: Receiver) => boolean
): ReadonlyMap<number, string> => {
  const { builder, receivers, mask, tower } = work;
  const chosen = receivers.filter(wanted);
  if (chosen.length === 0) {
    return new Map();
  }
  const first = receivers.indexOf(chosen[0]);
  const rows = sliced(builder, mask, 2, first, first + chosen.length);
  const weights = sliced(builder, rows, 3, 0, chosen[0].senders);
  const sums = builder.node('MatMul', [weights, stack.differences()]);
  const changed = chosen.map(({ head }, index) => {
    const sum = builder.node('Reshape', [
      sliced(builder, sums, 2, index, index + 1),
      builder.ints([0, 0, tower.dModel])
    ]);
    return [head, builder.node('Add', [at, sum])] as const;
  });
  return new Map(changed);
};

const readByHeads = (work: Work, stack: Stack, layer: number, kind: 'q' | 'k' | 'v'): void => {
  const at = stream(work, `blocks.${layer}.hook_resid_pre`);
  const streams = readStreams(work, stack, at, receiver => receiver.kind === kind && receiver.layer === layer);
  if (streams.size === 0) {
    return;
  }
  const { builder, tower, model } = work;
  const hook = source(work, `blocks.${layer}.attn.hook_${kind}`);
  const path = pathBetween(model.graph, at, hook.tensor);
  const { before, put } = site(work, hook.tensor);
  const view = viewOf(work, { ...hook, tensor: before });
  const ends = clonePaths(builder, model.graph, opsetOf(model), path, [...streams.values()]);
  const changed = new Map([...streams.keys()].map((head, index) => [head, ends[index]]));
  const heads = Array.from({ length: kind === 'q' ? tower.heads : tower.kvHeads }, (_, head) => {
    const tensor = changed.get(head);
    const all = tensor === undefined ? view.tensor : viewOf(work, { ...hook, tensor }).tensor;
    return sliced(builder, all, 2, head, head + 1);
  });
  put(view.back(joined(builder, heads)));
};

const readByMlp = (work: Work, stack: Stack, layer: number): void => {
  const { tower, model, builder } = work;
  const at = stream(work, `blocks.${layer}.hook_resid_${tower.parallel ? 'pre' : 'mid'}`);
  const streams = readStreams(work, stack, at, receiver => receiver.kind === 'mlp' && receiver.layer === layer);
  const { tensor } = source(work, `blocks.${layer}.hook_mlp_out`);
  streams.forEach(read => site(work, tensor).put(clonePath(builder, pathBetween(model.graph, at, tensor), read)));
};

const readByLogits = (work: Work, stack: Stack): void => {
  const { tower, model, builder } = work;
  const { hook, logits } = tower.head!;
  const at = stream(work, hook, '');
  readStreams(work, stack, at, ({ kind }) => kind === 'logits').forEach(read =>
    site(work, logits).put(clonePath(builder, pathBetween(model.graph, at, logits), read))
  );
};

/** The output projection of each head alone, by the file's own nodes, less what it gives for nothing: its bias. */
const writtenByHeads = (work: Work, layer: number): string => {
  const { builder, tower, model } = work;
  const z = source(work, `blocks.${layer}.attn.hook_z`);
  const out = source(work, `blocks.${layer}.hook_attn_out`);
  const path = pathBetween(model.graph, z.tensor, out.tensor);
  refuseBent(path, layer);
  const view = viewOf(work, z);
  // Each head alone, and none.
  const starts = Array.from({ length: tower.heads + 1 }, (_, only) => {
    const data = Float32Array.from({ length: tower.heads }, (__, head) => (head === only ? 1 : 0));
    const gate = builder.tensor('edges.gate', { dims: [1, 1, tower.heads, 1], type: 'float32', data });
    return view.back(builder.node('Mul', [view.tensor, gate]));
  });
  const ends = clonePaths(builder, model.graph, opsetOf(model), path, starts);
  const made = ends.map(tensor => oneSender(work, viewOf(work, { ...out, tensor }).tensor));
  return builder.node('Sub', [joined(builder, made.slice(0, -1)), made[tower.heads]]);
};

/** What makes the tensor makes it under the name `before`; `put` gives the tensor something else for all its readers. */
const site = ({ unique, sites }: Work, tensor: string): { readonly before: string; put(made: string): void } => {
  const before = unique(`${tensor}.before`);
  return {
    before,
    put: made => {
      const node = { ...makeNode('Identity', [made], [tensor]), name: unique(`${tensor}.after`) };
      sites.push({ op: 'rename-produced', tensor, to: before }, { op: 'add-node', node });
    }
  };
};

const viewOf = ({ builder, anatomy }: Work, { tensor, steps }: HookSource): HookView =>
  viewHook(builder, tensor, steps, runSizes(builder, anatomy, tensor));

const prefixOf = ({ anatomy, tower }: Work): string => (anatomy.towers.length > 1 ? `${tower.name}.` : '');

const source = (work: Work, short: string, prefix = prefixOf(work)): HookSource => {
  const hook = work.anatomy.hooks.find(({ name }) => name === `${prefix}${short}`);
  if (hook?.source === undefined || hook.status !== 'verified') {
    throw new Error(`edges refused: the hook '${prefix}${short}' is ${hook?.status ?? 'not there'}`);
  }
  return hook.source;
};

/** A tensor [batch, pos, d_model] of the file. */
const stream = (work: Work, short: string, prefix?: string): string => {
  const { tensor, steps } = source(work, short, prefix);
  if (steps.length > 0) {
    throw new Error(`edges refused: '${tensor}' is not [batch, pos, d_model] as the file has it`);
  }
  return tensor;
};

const refuseTower = (model: Model, { norm, head, name, states }: Tower): void => {
  if (norm.placement === 'post') {
    throw new Error(
      `edges refused: norms stand in the residual stream of the tower '${name}', so that nothing adds up across them`
    );
  }
  if (head === undefined) {
    throw new Error(`edges refused: the tower '${name}' has no logits`);
  }
  if (states !== undefined) {
    throw new Error(`edges refused: cross-attention of the tower '${name}' reads what is not in its stream`);
  }
  if (isHalf(model)) {
    throw new Error(`edges refused: '${model.graph.name}' computes in half precision`);
  }
};

const LINEAR: ReadonlySet<string> = new Set([
  ...['MatMul', 'Gemm', 'MatMulNBits', 'MatMulBnb4', 'Einsum', 'FusedMatMul', 'Add', 'Sub', 'Mul', 'Div'],
  ...['Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity', 'Cast', 'Dropout']
]);

/** One factor of a product, and the divisor, must be constants. */
const refuseBent = ({ from, nodes }: Path, layer: number): void => {
  const on = new Set([from, ...nodes.flatMap(({ outputs }) => outputs)]);
  const bent = nodes.find(({ opType, inputs }) => {
    const sum = opType === 'Add' || opType === 'Sub';
    const several = !sum && inputs.filter(name => on.has(name)).length > 1;
    return !LINEAR.has(opType) || several || (opType === 'Div' && on.has(inputs[1]));
  });
  if (bent) {
    throw new Error(
      `edges refused: heads of layer ${layer} do not enter the stream linearly, because of ${nodeLabel(bent)} behind them`
    );
  }
};
