import type { GraphInput } from './anatomy';
import type { Facts } from './facts';
import type { Layer } from './layer';
import { coneOf, scoreInputs } from './mask';
import { SIZE_ONLY, TRANSPARENT } from './op-classes';
import { embeddingRoles, fedTables, type EmbeddingRoles } from './embedding';

/** What each input of the graph is for, told by where it goes; its name is not looked at. */
export const findInputs = (
  facts: Facts,
  layers: readonly Layer[],
  embedding: EmbeddingRoles
): readonly GraphInput[] => {
  const roles = new Map<string, GraphInput['role']>();
  const assign = (role: GraphInput['role'], names: Iterable<string | undefined>): void => {
    for (const name of names) {
      if (name !== undefined && !roles.has(name)) {
        roles.set(name, role);
      }
    }
  };
  const [first] = layers;
  const mask = first ? coneOf(facts, scoreInputs(facts, first.anchor).fixed).inputs : new Set<string>();
  const { positions } = embedding;
  const places = coneOf(facts, [
    ...(positions?.indices !== undefined ? [positions.indices] : []),
    ...(first ? rotationAngles(facts, first) : [])
  ]);
  // Positions counted from a mask are a running sum of it.
  const counted = [...places.nodes].some(({ opType }) => opType === 'CumSum');
  assign('ids', [embedding.tokens?.input]);
  assign(
    'past',
    layers.flatMap(layer => pastInputs(facts, layer))
  );
  assign('token_type_ids', [embedding.types?.input]);
  assign(
    'position_ids',
    [...places.inputs].filter(name => !counted || !mask.has(name))
  );
  // What picks rows of a table is no mask, though a mask may be computed from it.
  const picking = new Set(fedTables(facts).map(({ input }) => input));
  assign(
    'attention_mask',
    [...mask].filter(name => !picking.has(name))
  );
  assign(
    'unused',
    facts.model.graph.inputs.map(({ name }) => name).filter(name => isUnused(facts, name))
  );
  return facts.model.graph.inputs
    .filter(({ name }) => facts.isInput(name))
    .map(({ name, type }) => ({
      name,
      role: roles.get(name) ?? 'unknown',
      elementType: type?.elementType ?? 0,
      ...(type?.shape && { shape: type.shape })
    }));
};

/** Sizes alone are read off it, or nothing is (token types of a model that has none). */
const isUnused = (facts: Facts, input: string): boolean =>
  !facts.isOutput(input) && facts.consumers(input).every(({ opType }) => SIZE_ONLY.has(opType));

/**
 * Roles good enough for a run that shows sizes only: the largest table is the tokens', and what else has two axes may hold
 * ones. They are settled when the graph is recognised with those sizes.
 */
export const provisionalInputs = (facts: Facts): readonly GraphInput[] => {
  const roles = embeddingRoles(fedTables(facts), null);
  const found = findInputs(facts, [], roles);
  // Images and sound: nothing that ids could be fed to.
  if (roles.tokens === undefined) {
    return found;
  }
  return found.map(input => {
    if (isConvolved(facts, input.name)) {
      return input;
    }
    const byRank = input.shape?.length === 2 ? 'attention_mask' : input.shape?.length === 4 ? 'past' : 'unknown';
    return input.role === 'unknown' ? { ...input, role: byRank } : input;
  });
};

const isConvolved = (facts: Facts, tensor: string): boolean =>
  facts
    .consumers(tensor)
    .some(
      ({ opType, outputs: [copy] }) =>
        opType === 'Conv' || (TRANSPARENT.has(opType) && facts.consumers(copy).some(node => node.opType === 'Conv'))
    );

/** Inputs of rank 4 that are put before keys and values. */
const pastInputs = (facts: Facts, { anchor, operands }: Layer): readonly string[] =>
  (['k', 'v'] as const).flatMap(name => {
    if (!operands[name].past) {
      return [];
    }
    const found = facts.consumers(operands[name].rotated?.tensor ?? operands[name].raw.tensor);
    const concats = [...found, ...behindRotation(facts, anchor[name])].filter(({ opType }) => opType === 'Concat');
    return concats.flatMap(node => node.inputs.map(facts.origin).filter(input => facts.isInput(input)));
  });

/** Nodes within a few steps behind an operand. */
const behindRotation = (facts: Facts, from: string): readonly NonNullable<ReturnType<Facts['producer']>>[] => {
  const queue = [from];
  const nodes = [];
  for (let i = 0; i < queue.length && i < 12; i++) {
    const node = facts.producer(queue[i]);
    if (node) {
      nodes.push(node);
      queue.push(...node.inputs.filter(facts.isActivation));
    }
  }
  return nodes;
};

/** What a rotation takes besides the queries. */
const rotationAngles = (facts: Facts, { operands }: Layer): readonly string[] => {
  const { rotated, raw } = operands.q;
  if (!rotated) {
    return [];
  }
  const queue = [rotated.tensor];
  const fixed: string[] = [];
  for (let i = 0; i < queue.length && i < 60; i++) {
    const node = queue[i] === raw.tensor ? undefined : facts.producer(queue[i]);
    for (const input of node?.inputs.filter(name => name && !queue.includes(name)) ?? []) {
      (facts.isActivation(input) ? queue : fixed).push(input);
    }
  }
  return fixed;
};
