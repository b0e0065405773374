import { nodeLabel } from '../graph/uses';
import type { Model, Node } from '../onnx/model';
import type { Weights } from '../onnx/weights';
import { fedAttentions, findAnchors } from './anchors';
import type { Anatomy, Hook, Refusal, Tower } from './anatomy';
import { subgraphs } from './attributes';
import { buildBlock, type BuiltBlock } from './blocks';
import { collectFacts, type Facts, type Observed } from './facts';
import { findHeads } from './head';
import { findInputs, idsInput, provisionalInputs, readsSeveral, statesInput } from './inputs';
import { joinCross } from './join-cross';
import { findLayer, isRefusal, isUnresolved, type Layer } from './layer';
import { findNorms, type Norms } from './norms';
import { FUSED_ATTENTION, SKIP_NORM } from './op-classes';
import { withoutPooling } from './pooling';
import { severed } from './severed';
import { strangeIds } from './strange-ids';
import { describeTower, type DescribedTower } from './tower';
import { withoutAttention } from './without-attention';

/**
 * Which node is what, by structure alone: names of nodes and tensors are never read. What is not understood is in
 * `refusals`; a tower with a part that is not understood is not in `towers`. `observed`: sizes of the tensors that an
 * earlier answer listed as `unresolved`, seen in a run whose batch, positions and heads differ from one another.
 */
export const recognise = (model: Model, weights: Weights, observed?: Observed): Anatomy => {
  const hidden = unsupported(model);
  if (hidden.length) {
    return { towers: [], hooks: [], inputs: [], unresolved: [], refusals: hidden };
  }
  const facts = collectFacts(model, weights, observed);
  const strange = activeDropout(facts) ?? strangeIds(facts);
  if (strange) {
    return { towers: [], hooks: [], inputs: [], unresolved: [], refusals: [strange] };
  }
  const norms = findNorms(facts);
  const found = withoutPooling(facts, findAnchors(facts)).map(anchor => findLayer(facts, norms, anchor));
  const layers = found.filter((layer): layer is Layer => !isRefusal(layer) && !isUnresolved(layer));
  const unresolved = found.some(isUnresolved) ? unknownSizes(facts) : [];
  const refusals = [
    ...found.filter(isRefusal),
    ...headByHead(layers),
    ...fedAttentions(facts).map(fedRefusal),
    ...(found.length ? [] : [noAttention(facts)])
  ];
  return refusals.length || unresolved.length
    ? { towers: [], hooks: [], inputs: provisionalInputs(facts), unresolved, refusals }
    : assemble(facts, norms, layers, observed !== undefined);
};

const assemble = (facts: Facts, norms: Norms, layers: readonly Layer[], seen: boolean): Anatomy => {
  const sums = new Set(layers.map(layer => layer.meeting.node));
  const built = layers.map(layer => buildBlock(facts, norms, layer, sums));
  const refusals = built.filter(isRefusal);
  const chains = chain(
    facts,
    norms,
    built.filter((block): block is BuiltBlock => !isRefusal(block))
  ).map(
    (blocks, i, all) =>
      withoutAttention(facts, norms, blocks, all, sums) ?? severed(facts, blocks, all) ?? joinCross(facts, blocks)
  );
  const heads = findHeads(facts, norms);
  const towers = refusals.length
    ? []
    : chains.map(blocks => (isRefusal(blocks) ? blocks : describeTower(facts, norms, blocks, heads)));
  // Without its tensor's rank, how a hook is shaped is not known: one run tells.
  const ranked = seen || towers.every(tower => isRefusal(tower) || isUnresolved(tower) || ranksKnown(facts, tower));
  // What another tower reads comes first.
  const described = towers
    .filter((tower): tower is DescribedTower => !isRefusal(tower) && !isUnresolved(tower))
    .sort((a, b) => Number(a.crosses.length > 0) - Number(b.crosses.length > 0));
  const whole = described.length === towers.length ? named(described) : [];
  return {
    towers: whole.map(({ tower }) => tower),
    hooks: whole.flatMap(one => prefixed(whole, one.tower, positioned(facts, whole, one))),
    inputs: whole.length ? findInputs(facts, whole) : provisionalInputs(facts),
    unresolved: towers.some(isUnresolved) || !ranked ? unknownSizes(facts) : [],
    refusals: [...refusals, ...towers.filter(isRefusal)]
  };
};

const ranksKnown = (facts: Facts, { hooks }: DescribedTower): boolean =>
  hooks.every(({ source }) => source === undefined || facts.shape(source.tensor) !== undefined);

/** Every activation of which a size is not known: one run shows them all. */
const unknownSizes = (facts: Facts): readonly string[] =>
  facts.nodes
    .flatMap(({ outputs }) => outputs)
    .filter(output => output !== '' && facts.isActivation(output) && (facts.shape(output)?.includes(null) ?? true));

/** Blocks that follow one another along a residual stream. */
const chain = (facts: Facts, norms: Norms, blocks: readonly BuiltBlock[]): readonly (readonly BuiltBlock[])[] => {
  const chains: BuiltBlock[][] = [];
  const open = new Map<string, BuiltBlock[]>();
  for (const built of blocks) {
    const before = beforeMask(facts, built.block.residPre);
    const own = open.get(before) ?? [];
    if (own.length === 0) {
      chains.push(own);
    }
    own.push(built);
    open.delete(before);
    const { residPost } = built.block;
    for (const end of [residPost, ...norms.reading(residPost).map(norm => norm.output)]) {
      open.set(facts.streamOrigin(end), own);
    }
  }
  return chains;
};

/** Between blocks padding may be set to zero, the stream times a mask (XLM). */
const beforeMask = (facts: Facts, stream: string): string => {
  const at = facts.streamOrigin(stream);
  const node = facts.producer(at);
  const [live, ...more] = node?.inputs.filter(facts.isActivation) ?? [];
  const masked = node?.opType === 'Mul' && more.length === 0 && !node.inputs.some(facts.isConstant);
  return masked && live !== undefined ? facts.streamOrigin(live) : at;
};

/** Two towers of one kind are told apart by a number, in the graph's order. */
const named = (towers: readonly DescribedTower[]): readonly DescribedTower[] => {
  const bases = towers.map(described => baseName(towers, described));
  return towers.map((described, i) => {
    const same = bases.filter(base => base === bases[i]).length;
    const number = bases.slice(0, i).filter(base => base === bases[i]).length;
    const name = same > 1 ? `${bases[i]}${number}` : bases[i];
    return { ...described, tower: { ...described.tower, name } };
  });
};

/** What reads ids beside a vision tower, and nothing of it, is the text tower, whatever its mask. */
const baseName = (towers: readonly DescribedTower[], { tower, crosses }: DescribedTower): string => {
  const beside = towers.some(other => other.tower.kind === 'vision');
  return beside && tower.embedding && crosses.length === 0 ? 'text' : tower.kind;
};

const prefixed = (all: readonly DescribedTower[], { name }: Tower, hooks: readonly Hook[]): readonly Hook[] =>
  all.length > 1 ? hooks.map(hook => ({ ...hook, name: `${name}.${hook.name}` })) : hooks;

/** Keys and values of cross-attention, and what they are made of, lie at the positions of the other sequence. */
const OF_THE_STATES = /(^hook_encoder_states|\.cross_attn\.hook_(rot_)?[kv])$/;
const BETWEEN = /\.cross_attn\.hook_(attn_scores|pattern)$/;

const positioned = (facts: Facts, all: readonly DescribedTower[], tower: DescribedTower): readonly Hook[] => {
  if (!readsSeveral(facts, all)) {
    return tower.hooks;
  }
  const [own, others] = [idsInput(tower), statesInput(facts, all, tower)];
  return tower.hooks.map(hook => {
    const positions = OF_THE_STATES.test(hook.name) ? others : own;
    return {
      ...hook,
      ...(positions !== undefined && { positions }),
      ...(BETWEEN.test(hook.name) && others !== undefined && { keyPositions: others })
    };
  });
};

/** What has attention in it that this folder cannot take apart, by the operator's name. */
const unsupported = (model: Model): readonly Refusal[] => {
  const local = new Map(model.functions.map(fn => [`${fn.domain}:${fn.name}`, fn]));
  const whyOf = (node: Node): string | undefined =>
    local.has(`${node.domain}:${node.opType}`)
      ? `the graph calls the local function '${node.opType}', which is not inlined`
      : FUSED_ATTENTION.has(node.opType)
        ? `attention is one fused operator '${node.opType}', whose parts are not in the graph`
        : SKIP_NORM.has(node.opType)
          ? `the residual stream runs through the fused operator '${node.opType}'`
          : subgraphs(node).some(graph => graph.nodes.some(({ opType }) => opType === 'Softmax'))
            ? `attention inside the sub-graph of a '${node.opType}'`
            : undefined;
  return model.graph.nodes.flatMap(node => {
    const why = whyOf(node);
    return why === undefined ? [] : [{ why, at: nodeLabel(node) }];
  });
};

const fedRefusal = (node: Node): Refusal => ({
  why: 'keys of an encoder are fed, not computed, as in a step that has a cache of them: open the file without past',
  at: nodeLabel(node)
});

/** One Softmax a head, joined before the output projection. */
const headByHead = (layers: readonly Layer[]): readonly Refusal[] => {
  const sums = layers.map(({ meeting }) => meeting.node);
  const twice = layers.find(({ meeting }, i) => sums.indexOf(meeting.node) < i);
  const why = 'the heads of a layer are computed one by one and joined, so that no tensor holds them together';
  return twice ? [{ why, at: twice.anchor.softmax.name || twice.anchor.softmax.outputs[0] }] : [];
};

/** A file exported in training mode draws random numbers in every run: nothing that it shows could be shown again. */
const activeDropout = (facts: Facts): Refusal | undefined => {
  const value = (tensor: string | undefined): unknown => (tensor ? facts.values(tensor)?.[0] : undefined);
  const node = facts.nodes.find(
    ({ opType, inputs: [, ratio, training] }) => opType === 'Dropout' && value(training) === 1 && value(ratio) !== 0
  );
  return node && { why: 'dropout is active, because the file was exported in training mode', at: nodeLabel(node) };
};

const ROUNDING = /^(QLinear|QGemm$|QuantizeLinear$)/;

/** Why there is nothing to see. */
const noAttention = (facts: Facts): Refusal => {
  const rounding = facts.nodes.find(({ opType, outputs }) => ROUNDING.test(opType) && facts.isActivation(outputs[0]));
  if (rounding) {
    const why = `activations are rounded between operators ('${rounding.opType}', static quantisation), so that attention is not seen through it`;
    return { why, at: nodeLabel(rounding) };
  }
  const softmaxes = facts.nodes.filter(({ opType }) => opType === 'Softmax').length;
  const graph = facts.model.graph.name || 'graph';
  const why =
    softmaxes === 0
      ? `no attention in the graph: none of its ${facts.nodes.length} nodes is a Softmax`
      : `no attention in the graph: ${softmaxes === 1 ? 'its Softmax is' : `none of its ${softmaxes} Softmax nodes is`}${
          softmaxes === 1 ? ' not' : ''
        } between a product of queries and keys and a product with values`;
  return { why, at: graph };
};
