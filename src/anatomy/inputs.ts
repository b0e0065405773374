import type { GraphInput } from './anatomy';
import type { Facts } from './facts';
import type { Layer } from './layer';
import { coneOf, scoreInputs } from './mask';
import type { EmbeddingRoles } from './embedding';

/** What each input of the graph is for, told by where it goes; its name is not looked at. */
export const findInputs = (facts: Facts, layers: readonly Layer[], embedding: EmbeddingRoles): readonly GraphInput[] => {
  const roles = new Map<string, GraphInput['role']>();
  const assign = (role: GraphInput['role'], names: Iterable<string | undefined>): void => {
    for (const name of names) {
      if (name !== undefined && !roles.has(name)) {
        roles.set(name, role);
      }
    }
  };
  const [first] = layers;
  assign('ids', [embedding.tokens?.input]);
  assign('past', layers.flatMap(layer => pastInputs(facts, layer)));
  assign('token_type_ids', [embedding.types?.input]);
  assign('position_ids', [embedding.positions?.input]);
  assign('position_ids', first ? rotationInputs(facts, first) : []);
  assign('attention_mask', first ? coneOf(facts, scoreInputs(facts, first.anchor).fixed).inputs : []);
  return facts.model.graph.inputs
    .filter(({ name }) => facts.isInput(name))
    .map(({ name, type }) => ({
      name,
      role: roles.get(name) ?? 'unknown',
      elementType: type?.elementType ?? 0,
      ...(type?.shape && { shape: type.shape })
    }));
};

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

/** Inputs from which the angles of the rotation are computed. */
const rotationInputs = (facts: Facts, { operands }: Layer): Iterable<string> => {
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
  return coneOf(facts, fixed).inputs;
};
