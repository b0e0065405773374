import type { Family, NumberKind } from '../../analyses/analysis';
import type { Translate } from '../translate';

/** The survey's chapters (arXiv 2410.11444), in the picker's order. */
export const familyTitles = (trans: Translate): Readonly<Record<Family, string>> => ({
  model: trans.__('The model itself'),
  circuits: trans.__('Circuits: which part does it'),
  expressivity: trans.__('Expressivity: what representations hold'),
  generalisation: trans.__('Generalisation: what weights promise'),
  dynamics: trans.__('Dynamics: how training went'),
  inference: trans.__('Inference: how prompts act'),
  training: trans.__('Training: what data did'),
  ethics: trans.__('Ethics: privacy, fairness, honesty')
});

/** What a number is, a word or two. */
export const kindTitles = (trans: Translate): Readonly<Record<NumberKind, string>> => ({
  identity: trans.__('exact'),
  bound: trans.__('bound'),
  estimator: trans.__('estimate'),
  causal: trans.__('causal'),
  heuristic: trans.__('heuristic')
});

/** What it means that a number is of a kind, a line. */
export const kindMeanings = (trans: Translate): Readonly<Record<NumberKind, string>> => ({
  identity: trans.__('exact: follows from weights and activations, nothing is estimated'),
  bound: trans.__('bound: what a theorem promises, not what is'),
  estimator: trans.__('estimate: depends on the sample, and says how far'),
  causal: trans.__('causal: the model was run with a part of it changed'),
  heuristic: trans.__('heuristic: a convention of the field, useful and not a theorem')
});
