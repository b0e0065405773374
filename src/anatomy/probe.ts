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

export const probe = (anatomy: Anatomy): Probe => {
  const [tower] = anatomy.towers;
  const rows = tower?.embedding?.rows ?? tower?.dVocab ?? 2;
  const length = Math.min(POSITIONS, tower?.maxPositions ?? POSITIONS);
  return {
    ids: Array.from({ length: ROWS }, (_, row) =>
      Array.from({ length }, (_, pos) => (13 * (row * length + pos) + 5) % rows)
    ),
    hooks: anatomy.hooks.filter(hook => hook.source).map(hook => hook.name)
  };
};

/** The file's own outputs that are tensors of numbers: all are compared. */
export const comparedOutputs = ({ graph }: Model): readonly string[] =>
  graph.outputs.flatMap(({ name, type }) => (type && elementType(type.elementType)?.tensor ? [name] : []));
