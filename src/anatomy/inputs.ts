import type { Content, GraphInput } from './anatomy';
import type { Facts } from './facts';
import type { Layer } from './layer';
import { rotationAngles } from './rotation-angles';
import { coneOf, scoreInputs } from './mask';
import { CONVOLUTIONS, SIZE_ONLY, TRANSPARENT } from './op-classes';
import { embeddingRoles, type EmbeddingRoles } from './embedding-roles';
import { fedTables } from './look-up';

/** What reads inputs of one tower: its attentions and its tables. */
export interface ReadingTower {
  readonly layers: readonly Layer[];
  /** Its cross-attentions. */
  readonly crosses: readonly Layer[];
  readonly embedding: EmbeddingRoles;
  /** What it reads instead of ids. */
  readonly content?: Content;
}

type Role = GraphInput['role'];

/** What each input of the graph is for, told by where it goes; its name is not looked at. */
export const findInputs = (facts: Facts, towers: readonly ReadingTower[]): readonly GraphInput[] => {
  const found = new Map<string, { readonly role: Role; readonly positions?: string }>();
  const assign = (role: Role, names: readonly (string | undefined)[], positions: string | undefined): void => {
    for (const name of names) {
      if (name !== undefined && !found.has(name)) {
        found.set(name, { role, ...(positions !== undefined && { positions }) });
      }
    }
  };
  const several = readsSeveral(facts, towers);
  const given = towers.map(tower => inputsOf(facts, tower));
  for (const role of ROLES) {
    const positions = (tower: ReadingTower): string | undefined =>
      several && role !== 'states' ? idsInput(tower) : undefined;
    towers.forEach((tower, i) => assign(role, given[i][role] ?? [], positions(tower)));
  }
  towers.forEach(tower => assign('attention_mask', crossMask(facts, tower), statesInput(facts, towers, tower)));
  const { inputs } = facts.model.graph;
  const unused = inputs.map(({ name }) => name).filter(name => isUnused(facts, name));
  assign('unused', unused, undefined);
  return inputs
    .filter(({ name }) => facts.isInput(name))
    .map(({ name, type }) => ({
      name,
      ...(found.get(name) ?? { role: 'unknown' as const }),
      ...lengthOf(towers, name),
      elementType: type?.elementType ?? 0,
      ...(type?.shape && { shape: type.shape })
    }));
};

const lengthOf = (towers: readonly ReadingTower[], name: string): Pick<GraphInput, 'length'> => {
  const length = towers.find(({ content }) => content?.input === name)?.content?.length ?? null;
  return length === null ? {} : { length };
};

/** In the order in which an input that has two is given one. */
const ROLES = [
  'ids',
  'pixels',
  'embeddings',
  'features',
  'states',
  'past',
  'boxes',
  'token_type_ids',
  'position_ids',
  'attention_mask'
] as const;

type Given = Readonly<Partial<Record<(typeof ROLES)[number], readonly (string | undefined)[]>>>;

const inputsOf = (facts: Facts, { layers, crosses, embedding, content }: ReadingTower): Given => {
  const [first] = layers;
  const mask = first ? coneOf(facts, scoreInputs(facts, first.anchor).fixed).inputs : new Set<string>();
  const { positions } = embedding;
  const places = coneOf(facts, [
    ...(positions?.indices !== undefined ? [positions.indices] : []),
    ...(first ? rotationAngles(facts, first) : [])
  ]);
  // Positions counted from a mask are a running sum of it, or go on from a sum of all of it.
  const counted = [...places.nodes].some(({ opType }) => opType === 'CumSum' || opType === 'ReduceSum');
  return {
    ids: [embedding.tokens?.input],
    ...(content && { [content.kind]: [content.input] }),
    states: crosses.map(({ states }) => facts.origin(states!)).filter(facts.isInput),
    past: layers.flatMap(layer => pastInputs(facts, layer)),
    boxes: embedding.boxes.flatMap(({ boxes }) => boxes),
    token_type_ids: [embedding.types?.input],
    position_ids: [...places.inputs].filter(name => !counted || !mask.has(name)),
    attention_mask: withoutIds(facts, mask)
  };
};

/** What picks rows of a table is no mask, though a mask may be computed from it. */
const withoutIds = (facts: Facts, mask: ReadonlySet<string>): readonly string[] => {
  const picking = new Set(fedTables(facts).map(({ input }) => input));
  return [...mask].filter(name => !picking.has(name));
};

const crossMask = (facts: Facts, { crosses: [first] }: ReadingTower): readonly string[] =>
  first ? withoutIds(facts, coneOf(facts, scoreInputs(facts, first.anchor).fixed).inputs) : [];

/** The input whose positions a tower's stream has. */
export const idsInput = ({ embedding, content }: ReadingTower): string | undefined =>
  embedding.tokens?.input ?? content?.input;

/** The input whose positions the cross-attention's keys have: another tower's ids, or states that are fed. */
export const statesInput = (
  facts: Facts,
  towers: readonly ReadingTower[],
  { crosses: [first] }: ReadingTower
): string | undefined => {
  const fed = first && facts.origin(first.states!);
  const [source] = towers.filter(({ crosses }) => crosses.length === 0);
  return fed !== undefined && facts.isInput(fed) ? fed : first && source && idsInput(source);
};

/** More than one sequence is read, so that positions are of one or of the other. */
export const readsSeveral = (facts: Facts, towers: readonly ReadingTower[]): boolean =>
  new Set(towers.flatMap(tower => [idsInput(tower), statesInput(facts, towers, tower)]).filter(Boolean)).size > 1;

/** Sizes alone are read off it, or nothing is (token types of a model that has none). */
const isUnused = (facts: Facts, input: string): boolean =>
  !facts.isOutput(input) && facts.consumers(input).every(({ opType }) => SIZE_ONLY.has(opType));

/**
 * Roles good enough for a run that shows sizes only: the largest table is the tokens', and what else has two axes may hold
 * ones. They are settled when the graph is recognised with those sizes.
 */
export const provisionalInputs = (facts: Facts): readonly GraphInput[] => {
  const roles = embeddingRoles(fedTables(facts), null);
  const found = findInputs(facts, [{ layers: [], crosses: [], embedding: roles }]);
  return found.map(input => {
    if (isConvolved(facts, input.name)) {
      return { ...input, role: input.shape?.length === 4 ? 'pixels' : 'features' };
    }
    if (roles.tokens === undefined) {
      return input;
    }
    const byRank = BY_RANK.get(input.shape?.length ?? 0) ?? 'unknown';
    return input.role === 'unknown' ? { ...input, role: byRank } : input;
  });
};

const BY_RANK: ReadonlyMap<number, Role> = new Map([
  [2, 'attention_mask'],
  [3, 'states'],
  [4, 'past']
]);

const COPIES = new Set([...TRANSPARENT, 'Unsqueeze']);
const MOST_COPIES = 4;

/** A convolution reads it, perhaps cast or with another axis. */
const isConvolved = (facts: Facts, tensor: string, copies = MOST_COPIES): boolean =>
  facts
    .consumers(tensor)
    .some(
      ({ opType, outputs: [copy] }) =>
        CONVOLUTIONS.has(opType) || (copies > 0 && COPIES.has(opType) && isConvolved(facts, copy, copies - 1))
    );

/** Inputs of rank 4 that are put before keys and values. */
const pastInputs = (facts: Facts, { anchor, operands }: Layer): readonly string[] =>
  (['k', 'v'] as const).flatMap(name => {
    if (!operands[name].cached) {
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
