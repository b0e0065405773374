import { elementType } from '../onnx/element-type';
import type { Model } from '../onnx/model';
import type { Anatomy } from './anatomy';

/** What to run for a quick certificate: two forwards of the whole model, bare and observed, and one of the unembedding alone. */
export interface Probe {
  /** Token ids, [batch][pos]; the same for every model with as many tokens. */
  readonly ids: readonly (readonly number[])[];
  /** Hooks to observe: every one that the graph has. */
  readonly hooks: readonly string[];
}

/** Sizes that differ from one another, so that no axis passes for another one. */
const ROWS = 2;
const POSITIONS = 7;
const OTHER_POSITIONS = 13;

const idsOf = ({ towers: [tower] }: Anatomy, positions: number, step: number): readonly (readonly number[])[] => {
  const rows = tower?.embedding?.rows ?? tower?.dVocab ?? 2;
  const length = Math.min(positions, tower?.maxPositions ?? positions);
  return Array.from({ length: ROWS }, (_, row) =>
    Array.from({ length }, (_, pos) => (step * (row * length + pos) + 5) % rows)
  );
};

/** Other ids, and more of them where the file has the positions. */
export const otherProbe = (anatomy: Anatomy): readonly (readonly number[])[] => idsOf(anatomy, OTHER_POSITIONS, 17);

export const probe = (anatomy: Anatomy): Probe => {
  return {
    ids: idsOf(anatomy, POSITIONS, 13),
    hooks: anatomy.hooks.filter(hook => hook.source).map(hook => hook.name)
  };
};

/** The file's own outputs that are tensors of numbers: all are compared. */
export const comparedOutputs = ({ graph }: Model): readonly string[] =>
  graph.outputs.flatMap(({ name, type }) => (type && elementType(type.elementType)?.tensor ? [name] : []));
