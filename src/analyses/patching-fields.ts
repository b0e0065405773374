import { choice, flag, indices, prompts } from './spec';
import { METRICS, type MetricId } from './metric';

/** A sentence of Wang et al.'s indirect-object task (arXiv 2211.00593): the corrupted one names the other person twice. */
export const PROMPTS = prompts({
  title: 'Prompts',
  description:
    "Pairs of prompts with as many tokens, and the tokens that are right and wrong after the clean one: [{clean, corrupted, answer: {correct: [' Mary'], wrong: [' John']}}].",
  default: [
    {
      clean: 'When Mary and John went to the store, John gave a drink to',
      corrupted: 'When Mary and John went to the store, Mary gave a drink to',
      answer: { correct: [' Mary'], wrong: [' John'] }
    }
  ]
});

export const METRIC = choice<MetricId>({
  title: 'Metric',
  description: 'What is measured at the last position of each prompt.',
  options: Object.keys(METRICS) as MetricId[],
  default: 'logit-diff'
});

export const DIRECTION = choice({
  title: 'Direction',
  description: 'Denoising puts clean values into the corrupted run, noising corrupted values into the clean run.',
  options: ['denoising', 'noising'],
  default: 'denoising'
});

export const NORMALISE = flag({
  title: 'Normalise',
  description: 'Divide effects by the difference of the clean and the corrupted metric.',
  default: true
});

export const PATCHED_LAYERS = indices({
  title: 'Layers',
  description: 'Layers to patch, counted from 0; absent = all.'
});
export const PATCHED_HEADS = indices({
  title: 'Heads',
  description: 'Heads to patch in each layer, counted from 0 (key/value heads for k and v); absent = all.'
});
export const PATCHED_POSITIONS = indices({
  title: 'Positions',
  description: 'Positions to patch, counted from 0; absent = all.'
});
