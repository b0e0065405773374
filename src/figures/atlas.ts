import type { AtlasAxis, AtlasFigure } from './figure';
import { poolEdges } from '../maths/pool';
import { valueOf } from './atlas-bytes';
import type { AtlasCell } from './atlas-raster';

/** All heads' patterns on one canvas. Throws when the patterns do not fill [layer, head, query, key]. */
export function atlas(parts: Omit<AtlasFigure, 'kind'>): AtlasFigure {
  const keys = parts.keys ?? parts;
  const cells = parts.layers * parts.heads * parts.size * keys.size;
  if (parts.patterns.length !== cells || parts.size > parts.tokens.length || keys.size > keys.tokens.length) {
    throw new Error(`atlas: ${parts.patterns.length} cells where ${cells} belong`);
  }
  return { kind: 'atlas', ...parts };
}

/** The keys' axis; the queries' is the figure itself. */
export const keysOf = (figure: AtlasFigure): AtlasAxis => figure.keys ?? figure;

/** Positions [first, last] that row or column `index` of a stored pattern stands for; equal where not pooled. */
export function positionsOf({ tokens, size }: AtlasAxis, index: number): readonly [number, number] {
  const edges = poolEdges(tokens.length, size);
  return [edges[index], edges[index + 1] - 1];
}

/** 'L1H3', by the model's own numbers. */
export const headLabel = ({ layerIndices, headIndices }: AtlasFigure, layer: number, head: number): string =>
  `L${layerIndices?.[layer] ?? layer}H${headIndices?.[head] ?? head}`;

/** A stored byte as an attention weight, 0 … 1, or as a difference of two, −1 … 1. */
export function weightOf(figure: AtlasFigure, { layer, head, query, key }: AtlasCell): number {
  const { patterns, heads, size, signed = false } = figure;
  return valueOf(patterns[((layer * heads + head) * size + query) * keysOf(figure).size + key], signed);
}
