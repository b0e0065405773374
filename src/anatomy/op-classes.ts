/** Classes of operators that the recogniser tells apart. An operator in none of them is walked over only where a search names it. */

/** `x @ W`: the data are input 0, the weight is input 1. */
export const LINEAR: ReadonlySet<string> = new Set([
  'MatMul',
  'Gemm',
  'MatMulNBits',
  'MatMulBnb4',
  'FusedMatMul',
  'MatMulInteger',
  'MatMulIntegerToFloat',
  'DynamicQuantizeMatMul',
  'QGemm',
  'QLinearMatMul',
  'FusedGemm',
  'Einsum',
  'GemmFastGelu',
  'FusedLinear'
]);

/** Of these the layers whose weight lies in a row of bytes. */
export const FLAT_WEIGHTS: ReadonlySet<string> = new Set(['MatMulBnb4']);

/** The second rounds what it reads to eight bits; `canonical` writes it. */
export const CONVOLUTIONS: ReadonlySet<string> = new Set(['Conv', 'DynamicQuantizeConv']);

/** Whole attention blocks in one node. */
export const FUSED_ATTENTION: ReadonlySet<string> = new Set([
  'Attention',
  'MultiHeadAttention',
  'GroupQueryAttention',
  'DecoderMaskedMultiHeadAttention',
  'QAttention',
  'PackedAttention',
  'PackedMultiHeadAttention',
  'SparseAttention',
  'PagedAttention',
  'LongformerAttention'
]);

export const NORM_KINDS: ReadonlyMap<string, 'layer' | 'rms'> = new Map([
  ['LayerNormalization', 'layer'],
  ['SimplifiedLayerNormalization', 'rms'],
  ['RMSNormalization', 'rms']
] as const);

/** Residual sum and norm in one node. */
export const SKIP_NORM: ReadonlySet<string> = new Set([
  'SkipLayerNormalization',
  'SkipSimplifiedLayerNormalization',
  'EmbedLayerNormalization'
]);

/** Whole mixtures of experts in one node: what their layers read is input 0, how they are weighed input 1. */
export const EXPERTS: ReadonlySet<string> = new Set(['MoE', 'QMoE']);

/** Pick rows of a table. */
export const LOOK_UPS: ReadonlySet<string> = new Set(['Gather', 'GatherBlockQuantized']);

/** Leave the values as they are (up to rounding). */
export const TRANSPARENT: ReadonlySet<string> = new Set(['Identity', 'Cast', 'Dropout']);

/** Their outputs say something of sizes only, never of values. */
export const SIZE_ONLY: ReadonlySet<string> = new Set(['Shape', 'Size']);

/** Their outputs are flags or indices, never activations. */
export const FLAGS: ReadonlySet<string> = new Set([
  'ArgMax',
  'ArgMin',
  'IsNaN',
  'IsInf',
  'Equal',
  'Less',
  'Greater',
  'NonZero'
]);
