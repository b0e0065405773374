import type { Translate } from '../translate';

/** What each identity of the certificate says, in one sentence; absent for a name of another version. */
export const identityMeanings = (trans: Translate): Readonly<Record<string, string>> => ({
  'hooks-have-their-shapes': trans.__('Every hook has the axes and sizes that its name promises.'),
  'hooks-are-finite': trans.__('Every hook holds numbers: neither NaN nor infinity.'),
  'embedding-is-the-table': trans.__('What the first block reads of a token is its row of the embedding table.'),
  'patches-reproduce-embed': trans.__('The first tokens are the patches of the image times the convolution’s weights.'),
  'convolutions-reproduce-embed': trans.__('The first tokens are the features behind the convolutions’ weights.'),
  'embedding-is-what-is-fed': trans.__('What the first block reads is the embeddings that are fed.'),
  'embeddings-add-up': trans.__('The first residual stream is the sum of the embeddings.'),
  'norm-reproduced': trans.__('Each norm’s output follows from its input, weight and bias.'),
  'weights-reproduce-q': trans.__('Queries are what the attention reads times W_Q, plus b_Q.'),
  'weights-reproduce-k': trans.__('Keys are what the attention reads times W_K, plus b_K.'),
  'weights-reproduce-v': trans.__('Values are what the attention reads times W_V, plus b_V.'),
  'rotation-starts-at-the-first-position': trans.__('At the first position queries and keys are not rotated.'),
  'query-key-products-equal-scores': trans.__('Scores are the scaled products of queries and keys.'),
  'scores-softmax-equals-pattern': trans.__(
    'The pattern is the softmax of the scores, and of the sink where there is one.'
  ),
  'pattern-rows-sum-to-one': trans.__('Each query’s weights sum to 1, or to what a sink leaves of it.'),
  'pattern-respects-causal-mask': trans.__('No query looks at a later key.'),
  'pattern-times-v-equals-z': trans.__('A head’s result is its pattern times the values.'),
  'z-reproduces-attn-out': trans.__('What attention adds is the heads’ results times W_O, plus b_O.'),
  'residual-adds-attn': trans.__('The residual stream grows by exactly what attention adds.'),
  'residual-adds-cross-attn': trans.__('The residual stream grows by exactly what the cross-attention adds.'),
  'weights-reproduce-mlp-pre': trans.__('Pre-activations are what the MLP reads times its weights.'),
  'weights-reproduce-mlp-pre-linear': trans.__('The gate’s partner is what the MLP reads times its weights.'),
  'mlp-post-reproduces-mlp-out': trans.__('What the MLP adds is its activations times W_out, plus b_out.'),
  'residual-adds-mlp': trans.__('The residual stream grows by exactly what the MLP adds.'),
  'residual-chains': trans.__('Each block reads what the block before it left.'),
  'final-norm-reproduced': trans.__('The last norm’s output follows from the last residual stream.'),
  'logits-unchanged-by-surgery': trans.__('Looking at the hooks does not change any output of the file.'),
  'head-reproduces-logits': trans.__('The logits follow from the last residual stream alone.'),
  'unembedding-reproduces-logits': trans.__('The logits are what the unembedding reads times W_U, plus b_U.'),
  'output-layer-reproduced': trans.__('The last layer’s output is what it reads times its weight, plus its bias.'),
  'batch-equals-each-alone': trans.__('Each row of a batch is what it is alone.'),
  'right-padding-changes-nothing': trans.__('Padding behind a row, hidden by the mask, changes nothing.'),
  'left-padding-changes-nothing': trans.__('Padding before a row, hidden by the mask, changes nothing.'),
  'run-from-layer-0-equals-whole-run': trans.__('The blocks read the text by the residual stream alone.')
});
