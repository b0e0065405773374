import { ACTIVATIONS } from './activations';
import { EMBED } from './embed-layer-norm';
import { NORMS } from './norms';
import { PRODUCTS } from './products';
import type { Row } from './rule';

/** 'domain:type' → rule; '' is ai.onnx's domain. */
export const TABLE: ReadonlyMap<string, Row> = new Map(
  [...NORMS, ...EMBED, ...ACTIVATIONS, ...PRODUCTS].flatMap(row =>
    row.domains.map(domain => [`${domain}:${row.type}`, row] as const)
  )
);
