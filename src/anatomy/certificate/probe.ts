import { elementType } from '../../onnx/element-type';
import type { Model } from '../../onnx/model';
import type { Anatomy, Tower } from '../anatomy';
import { towerInput } from './row-input';
import { samplingOf } from './sampling';

type Rows = readonly (readonly number[])[];

/** What to run for a quick certificate: two forwards of the whole model, bare and observed, and one of the unembedding alone. */
export interface Probe {
  /** Token ids of the first tower, [batch][pos]; the same for every model with as many tokens. */
  readonly ids: Rows;
  /** Of the other sequences, by the inputs that hold them; of states that are fed the length alone counts. */
  readonly others: Readonly<Record<string, Rows>>;
  /** Hooks to observe: every one that the graph has. */
  readonly hooks: readonly string[];
}

/** Sizes that differ from one another, so that no axis passes for another one. */
const ROWS = 2;
const POSITIONS = 7;
const POSITIONS_OF_OTHERS = 5;
const OTHER_POSITIONS = 13;
const OTHER_POSITIONS_OF_OTHERS = 11;

/** Places, where pixels or embeddings are read instead of ids: what is drawn for them follows from these numbers. */
const NO_TABLE = 9973;

/** Of a long sequence one row is enough to run. */
const rowsOf = (anatomy: Anatomy): number => (samplingOf(anatomy) ? 1 : ROWS);

const idsOf = (tower: Tower | undefined, count: number, positions: number, step: number): Rows => {
  const rows = tower?.embedding?.rows ?? (tower?.content ? NO_TABLE : (tower?.dVocab ?? 2));
  const length = tower?.content?.length ?? Math.min(positions, tower?.maxPositions ?? positions);
  return Array.from({ length: count }, (_, row) =>
    Array.from({ length }, (_, pos) => (step * (row * length + pos) + 5) % rows)
  );
};

/** The inputs whose positions hooks have, besides the first tower's ids, each with its tower. */
const othersOf = (anatomy: Anatomy, positions: number, step: number): Probe['others'] => {
  const { towers, inputs } = anatomy;
  const [main] = towers;
  const ids = towers.slice(1).flatMap(tower => {
    const name = towerInput(tower);
    return name === undefined ? [] : [[name, tower] as const];
  });
  const own = ids.filter(([name]) => name !== towerInput(main));
  const states = inputs.filter(({ role }) => role === 'states').map(({ name }) => [name, undefined] as const);
  return Object.fromEntries(
    [...own, ...states].map(([name, tower]) => [name, idsOf(tower, rowsOf(anatomy), positions, step)])
  );
};

/** Other ids, and more of them where the file has the positions. */
export const otherProbe = (anatomy: Anatomy): Omit<Probe, 'hooks'> => ({
  ids: idsOf(anatomy.towers[0], rowsOf(anatomy), OTHER_POSITIONS, 17),
  others: othersOf(anatomy, OTHER_POSITIONS_OF_OTHERS, 17)
});

export const probe = (anatomy: Anatomy): Probe => ({
  ids: idsOf(anatomy.towers[0], rowsOf(anatomy), POSITIONS, 13),
  others: othersOf(anatomy, POSITIONS_OF_OTHERS, 13),
  hooks: anatomy.hooks.filter(hook => hook.source).map(hook => hook.name)
});

/** The file's own outputs that are tensors of numbers: all are compared. */
export const comparedOutputs = ({ graph }: Model): readonly string[] =>
  graph.outputs.flatMap(({ name, type }) => (type && elementType(type.elementType)?.tensor ? [name] : []));
