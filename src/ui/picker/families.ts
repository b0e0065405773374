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
