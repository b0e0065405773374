import { ACTIVATIONS } from './activations';
import { EMBED } from './embed-layer-norm';
import { GROUP_QUERY } from './group-query-attention';
import { MULTI_HEAD } from './multi-head-attention';
import { NORMS } from './norms';
import { PACKED_ATTENTION } from './packed-attention';
import { PRODUCTS } from './products';
import { ROTARY } from './rotary';
import type { Row } from './rule';
import { STANDARD_ATTENTION } from './standard-attention';

/** 'domain:type' → rule; '' is ai.onnx's domain. */
export const TABLE: ReadonlyMap<string, Row> = new Map(
  [
    ...NORMS,
    ...EMBED,
    ...ACTIVATIONS,
    ...PRODUCTS,
    ...ROTARY,
    ...PACKED_ATTENTION,
    ...MULTI_HEAD,
    ...GROUP_QUERY,
    ...STANDARD_ATTENTION
  ].flatMap(row => row.domains.map(domain => [`${domain}:${row.type}`, row] as const))
);
