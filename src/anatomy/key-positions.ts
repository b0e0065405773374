import type { Anatomy, Hook } from './anatomy';

/** The input whose positions a pattern's or scores' keys have: those of the block's keys, which in cross-attention are another tower's. */
export const keyPositions = ({ hooks }: Anatomy, { name, positions }: Hook): string | undefined => {
  const keys = hooks.find(hook => hook.name === name.replace(/hook_(pattern|attn_scores)$/, 'hook_k'));
  return keys?.positions ?? positions;
};
