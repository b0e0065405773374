import { choice, flag, indices, prompts } from '../spec/spec';
import { METRICS, type MetricId } from './metric';
import { AUTO } from '../prompts/sets';

export const PROMPTS = prompts({
  title: 'Prompts',
  description:
    "Pairs of prompts with as many tokens, and the tokens that are right and wrong after the clean one: [{clean, corrupted, answer: {correct: [' Mary'], wrong: [' John']}}]. Or a set made for the model: {set: 'ioi', n: 8, seed: 0}; 'auto' takes the first set whose words are single tokens of it.",
  default: { set: AUTO, n: 4, seed: 0 }
});

export const METRIC = choice<MetricId>({
  title: 'Metric',
  description: 'What is measured at the last position of each prompt; at its mask, where a model fills masks.',
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
