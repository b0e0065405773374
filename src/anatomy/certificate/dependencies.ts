/** Which identities stand behind a hook, by the end of its name: the first row that fits. */
export const DEPENDENCIES: readonly (readonly [string, readonly string[]])[] = [
  [
    'attn.hook_pattern',
    [
      'pattern-rows-sum-to-one',
      'pattern-respects-causal-mask',
      'scores-softmax-equals-pattern',
      'pattern-times-v-equals-z'
    ]
  ],
  ['attn.hook_attn_scores', ['scores-softmax-equals-pattern', 'query-key-products-equal-scores']],
  ['attn.hook_q', ['weights-reproduce-q', 'rotation-starts-at-the-first-position', 'query-key-products-equal-scores']],
  ['attn.hook_k', ['weights-reproduce-k', 'rotation-starts-at-the-first-position', 'query-key-products-equal-scores']],
  ['attn.hook_v', ['weights-reproduce-v', 'pattern-times-v-equals-z']],
  ['attn.hook_rot_q', ['query-key-products-equal-scores', 'rotation-starts-at-the-first-position']],
  ['attn.hook_rot_k', ['query-key-products-equal-scores', 'rotation-starts-at-the-first-position']],
  ['attn.hook_z', ['pattern-times-v-equals-z', 'z-reproduces-attn-out']],
  ['hook_attn_out', ['z-reproduces-attn-out', 'residual-adds-attn']],
  ['hook_cross_attn_out', ['z-reproduces-attn-out', 'residual-adds-cross-attn']],
  ['hook_encoder_states', ['weights-reproduce-k', 'weights-reproduce-v']],
  ['hook_mlp_out', ['mlp-post-reproduces-mlp-out', 'residual-adds-mlp']],
  ['mlp.hook_pre', ['weights-reproduce-mlp-pre']],
  ['mlp.hook_pre_linear', ['weights-reproduce-mlp-pre-linear']],
  ['mlp.hook_post', ['mlp-post-reproduces-mlp-out']],
  ['hook_normalized_resid_post', ['norm-reproduced', 'residual-chains', 'head-reproduces-logits']],
  ['hook_resid_pre', ['residual-chains', 'residual-adds-attn', 'residual-adds-mlp', 'embeddings-add-up']],
  ['hook_resid_mid', ['residual-adds-attn', 'residual-adds-cross-attn', 'residual-adds-mlp']],
  ['hook_resid_mid_cross', ['residual-adds-cross-attn', 'residual-adds-mlp']],
  [
    'hook_resid_post',
    ['residual-adds-attn', 'residual-adds-cross-attn', 'residual-adds-mlp', 'residual-chains', 'head-reproduces-logits']
  ],
  ['hook_full_embed', ['embeddings-add-up']],
  ['hook_pos_embed', ['embeddings-add-up']],
  ['hook_token_type_embed', ['embeddings-add-up']],
  ['hook_box_embed', ['embeddings-add-up']],
  [
    'hook_embed',
    [
      'embedding-is-the-table',
      'patches-reproduce-embed',
      'convolutions-reproduce-embed',
      'embedding-is-what-is-fed',
      'embeddings-add-up'
    ]
  ],
  ['head.hook_in', ['output-layer-reproduced']],
  ['head.hook_out', ['output-layer-reproduced']],
  ['unembed.hook_in', ['unembedding-reproduces-logits']],
  ['unembed.hook_out', ['head-reproduces-logits']],
  ['ln_final.hook_normalized', ['final-norm-reproduced']],
  ['ln_final.hook_out', ['final-norm-reproduced']],
  ['hook_normalized', ['norm-reproduced']],
  ['hook_out', ['norm-reproduced']]
];

/** Identities of the file as a whole: every hook depends on them. */
export const OF_EVERY_HOOK: readonly string[] = [
  'hooks-have-their-shapes',
  'hooks-are-finite',
  'logits-unchanged-by-surgery',
  'batch-equals-each-alone',
  'right-padding-changes-nothing',
  'left-padding-changes-nothing'
];

/** True of many wrong patterns as well: no hook is verified by these alone. */
export const TOO_WEAK_ALONE: readonly string[] = ['pattern-rows-sum-to-one', 'pattern-respects-causal-mask'];
