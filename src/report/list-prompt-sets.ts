import { REQUESTED_SETS } from '../analyses/prompts/sets';

/** Sets of prompts that a form offers: id, what they are, how they are corrupted. */
export const listPromptSets = (): typeof REQUESTED_SETS => REQUESTED_SETS;
