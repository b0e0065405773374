import { poolEdges } from '../maths/pool';
import type { AtlasCell } from './atlas-raster';
import type { AtlasFigure } from './figure';

/** The model's own numbers of a head: 'L5H1'. */
export function headText(figure: AtlasFigure, layer: number, head: number): string {
  return `L${figure.layerIndices?.[layer] ?? layer}H${figure.headIndices?.[head] ?? head}`;
}

/** Labels of the stored rows and columns: "'the' (3)", or of a pooled group "'the' … 'mat' (3–5)". */
export function groupTexts(figure: AtlasFigure): string[] {
  const edges = poolEdges(figure.tokens.length, figure.size);
  return Array.from({ length: figure.size }, (_, i) => {
    const [first, last] = [edges[i], edges[i + 1] - 1];
    const token = (at: number): string => `'${figure.tokens[at]}'`;
    return first === last ? `${token(first)} (${first})` : `${token(first)} … ${token(last)} (${first}–${last})`;
  });
}

/** One cell in words, the same for pointer and keyboard: "L5H1: to 'Mary' (14), from 'Mary' (4): 0.91". */
export function cellText(figure: AtlasFigure, { layer, head, query, key }: AtlasCell): string {
  const groups = groupTexts(figure);
  const place = `${headText(figure, layer, head)}: to ${groups[query]}, from ${groups[key]}`;
  return figure.causal && key > query
    ? `${place}: masked`
    : `${place}: ${weightAt(figure, { layer, head, query, key }).toFixed(2)}`;
}

/** Attention weight of a stored cell, 0 to 1; of a group the largest. */
export function weightAt({ patterns, heads, size }: AtlasFigure, { layer, head, query, key }: AtlasCell): number {
  return (patterns[((layer * heads + head) * size + query) * size + key] / 255) ** 2;
}
