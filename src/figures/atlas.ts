import type { AtlasFigure } from './figure';

/** All heads' patterns on one canvas. Throws when the patterns do not fill [layer, head, size, size]. */
export function atlas(parts: Omit<AtlasFigure, 'kind'>): AtlasFigure {
  const cells = parts.layers * parts.heads * parts.size ** 2;
  if (parts.patterns.length !== cells || parts.size > parts.tokens.length) {
    throw new Error(`atlas: ${parts.patterns.length} cells where ${cells} belong`);
  }
  return { kind: 'atlas', ...parts };
}
