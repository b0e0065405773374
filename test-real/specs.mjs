// What is run on each real model: few tokens, so that saved patterns keep every cell.
const DECODER_TEXT = 'When Mary and John went to the store, John gave a drink to';
const ENCODER_TEXT = 'The keeper of the light counted the ships, and the ships counted the stars.';

const analyses = (text, lens) => [
  { analysis: 'attention-patterns', spec: { text } },
  { analysis: 'head-scores', spec: { batch: 4, length: 25 } },
  { analysis: 'attention-entropy', spec: { text } },
  // An encoder without an unembedding must refuse the lens, in words.
  { analysis: 'logit-lens', spec: { text }, refused: !lens }
];

const decoder = folder => ({
  folder,
  text: DECODER_TEXT,
  hooks: ['blocks.*.attn.hook_pattern', 'blocks.*.hook_resid_post', 'logits'],
  runs: analyses(DECODER_TEXT, true)
});

export const MODELS = [
  {
    folder: 'minilm-l6-fp32',
    text: ENCODER_TEXT,
    hooks: ['blocks.*.attn.hook_pattern', 'blocks.*.hook_normalized_resid_post', 'last_hidden_state'],
    runs: analyses(ENCODER_TEXT, false),
    chromium: true
  },
  decoder('smollm2-135m-fp32'),
  { ...decoder('smollm2-135m-q4'), chromium: true }
];
