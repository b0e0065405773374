import type { Block } from '../anatomy';
import type { AttentionPart } from './attention-part';
import { embeddingsAddUp, fedEmbeddings, tokenTable } from './embedding-identities';
import { finite, outputsUnchanged, shapes } from './file-identities';
import { finalNorm, headReproducesLogits, outputLayer, unembedding } from './head-identities';
import type { CheckContext, FileContext, Found, Outcome } from './identity';
import { mlpInput, mlpOutput } from './mlp-identities';
import { blockNorms } from './norm-identities';
import { patchEmbedding } from './patch-identity';
import { patternTimesValues, respectsMask, rowsSumToOne, softmaxOfScores } from './pattern-identities';
import { inputProjection, outputProjection } from './projection-identities';
import { residualAddsAttention, residualAddsCross, residualAddsMlp, residualChains } from './residual-identities';
import { batchEqualsAlone, padding, restarted } from './run-identities';
import { rotationStarts } from './rotation-identity';
import { queryKeyProducts } from './score-identities';
import { stemEmbedding } from './stem-identity';
/** Rounding class: products of weights, sums and copies, softmaxes, nothing rounded; each with its tolerance for a type. */
export type Rounding = 'product' | 'sum' | 'softmax' | 'exact';

interface Shared {
  readonly name: string;
  readonly rounding: Rounding;
  /** Absent: of both certificates. */
  readonly level?: 'full';
}

export type IdentityRow = Shared &
  (
    | {
        readonly scope: 'block';
        readonly check: (context: CheckContext, block: Block, layer: number) => Outcome;
      }
    | {
        /** Each attention of each block. */
        readonly scope: 'attention';
        readonly check: (context: CheckContext, part: AttentionPart, layer: number) => Outcome;
      }
    | { readonly scope: 'model'; readonly check: (context: CheckContext) => Outcome }
    | { readonly scope: 'file'; readonly check: (context: FileContext) => readonly Found[] }
  );

/** Every identity. Ids are stable. */
export const IDENTITIES: readonly IdentityRow[] = [
  { name: 'hooks-have-their-shapes', rounding: 'exact', scope: 'file', check: shapes },
  { name: 'hooks-are-finite', rounding: 'exact', scope: 'file', check: finite },
  { name: 'embedding-is-the-table', rounding: 'sum', scope: 'model', check: tokenTable },
  { name: 'patches-reproduce-embed', rounding: 'product', scope: 'model', check: patchEmbedding },
  { name: 'convolutions-reproduce-embed', rounding: 'product', scope: 'model', check: stemEmbedding },
  { name: 'embedding-is-what-is-fed', rounding: 'sum', scope: 'model', check: fedEmbeddings },
  { name: 'embeddings-add-up', rounding: 'product', scope: 'model', check: embeddingsAddUp },
  { name: 'norm-reproduced', rounding: 'product', scope: 'block', check: blockNorms },
  { name: 'weights-reproduce-q', rounding: 'product', scope: 'attention', check: inputProjection('q') },
  { name: 'weights-reproduce-k', rounding: 'product', scope: 'attention', check: inputProjection('k') },
  { name: 'weights-reproduce-v', rounding: 'product', scope: 'attention', check: inputProjection('v') },
  { name: 'rotation-starts-at-the-first-position', rounding: 'product', scope: 'block', check: rotationStarts },
  { name: 'query-key-products-equal-scores', rounding: 'product', scope: 'attention', check: queryKeyProducts },
  {
    name: 'scores-softmax-equals-pattern',
    rounding: 'softmax',
    scope: 'attention',
    check: softmaxOfScores
  },
  { name: 'pattern-rows-sum-to-one', rounding: 'softmax', scope: 'attention', check: rowsSumToOne },
  { name: 'pattern-respects-causal-mask', rounding: 'softmax', scope: 'attention', check: respectsMask },
  {
    name: 'pattern-times-v-equals-z',
    rounding: 'product',
    scope: 'attention',
    check: patternTimesValues
  },
  { name: 'z-reproduces-attn-out', rounding: 'product', scope: 'attention', check: outputProjection },
  { name: 'residual-adds-attn', rounding: 'sum', scope: 'block', check: residualAddsAttention },
  { name: 'residual-adds-cross-attn', rounding: 'sum', scope: 'block', check: residualAddsCross },
  { name: 'weights-reproduce-mlp-pre', rounding: 'product', scope: 'block', check: mlpInput('hook_pre') },
  { name: 'weights-reproduce-mlp-pre-linear', rounding: 'product', scope: 'block', check: mlpInput('hook_pre_linear') },
  { name: 'mlp-post-reproduces-mlp-out', rounding: 'product', scope: 'block', check: mlpOutput },
  { name: 'residual-adds-mlp', rounding: 'sum', scope: 'block', check: residualAddsMlp },
  { name: 'residual-chains', rounding: 'sum', scope: 'block', check: residualChains },
  { name: 'final-norm-reproduced', rounding: 'product', scope: 'model', check: finalNorm },
  { name: 'logits-unchanged-by-surgery', rounding: 'softmax', scope: 'file', check: outputsUnchanged },
  { name: 'head-reproduces-logits', rounding: 'product', scope: 'model', check: headReproducesLogits },
  { name: 'unembedding-reproduces-logits', rounding: 'product', scope: 'model', check: unembedding },
  { name: 'output-layer-reproduced', rounding: 'product', scope: 'model', check: outputLayer },
  { name: 'batch-equals-each-alone', rounding: 'product', level: 'full', scope: 'file', check: batchEqualsAlone },
  { name: 'right-padding-changes-nothing', rounding: 'product', level: 'full', scope: 'file', check: padding('right') },
  { name: 'left-padding-changes-nothing', rounding: 'product', level: 'full', scope: 'file', check: padding('left') },
  { name: 'run-from-layer-0-equals-whole-run', rounding: 'product', level: 'full', scope: 'file', check: restarted }
];
