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

/** The sentence of the indirect-object task with the other name twice; all heads at all positions. */
const IOI = {
  clean: DECODER_TEXT,
  corrupted: 'When Mary and John went to the store, Mary gave a drink to',
  answer: { correct: [' Mary'], wrong: [' John'] }
};

/** Random tokens and the same again but for the last, which is to be guessed; corrupted: another first copy. */
const half = salt => Array.from({ length: 20 }, (_, i) => 1000 + ((i * 7919 + salt * 104729) % 8000));
const [own, other] = [half(1), half(2)];
const INDUCTION = {
  clean: [...own, ...own.slice(0, -1)],
  corrupted: [...other, ...own.slice(0, -1)],
  answer: { correct: [own.at(-1)], wrong: [other.at(-1)] }
};

const patching = [
  {
    name: 'activation-patching-ioi',
    analysis: 'activation-patching',
    spec: { prompts: [IOI], hook: 'z', by: 'head-and-position', normalise: false }
  },
  {
    name: 'activation-patching-induction',
    analysis: 'activation-patching',
    spec: { prompts: [INDUCTION], hook: 'z', by: 'head', normalise: false }
  }
];

/** The layers in which SmolLM2 has its induction heads; the whole sweep takes minutes with 4-bit weights. */
const patchingFew = [
  {
    name: 'activation-patching-ioi',
    analysis: 'activation-patching',
    spec: { prompts: [IOI], hook: 'z', by: 'head', normalise: false, layers: [16, 17, 18, 19] }
  }
];

const decoder = (folder, patches) => ({
  folder,
  text: DECODER_TEXT,
  hooks: ['blocks.*.attn.hook_pattern', 'blocks.*.hook_resid_post', 'logits'],
  runs: [...analyses(DECODER_TEXT, true), ...patches]
});

const encoder = folder => ({
  folder,
  text: ENCODER_TEXT,
  hooks: ['blocks.*.attn.hook_pattern', 'blocks.*.hook_normalized_resid_post', 'last_hidden_state'],
  runs: analyses(ENCODER_TEXT, false)
});

/** Other exporters' and precisions' files of the same weights: what is recognised, and the hooks. */
const form = model => ({ ...model, runs: [] });

export const MODELS = [
  { ...encoder('minilm-l6-fp32'), chromium: true },
  ...['dynamo', 'torchscript', 'fp16', 'int8'].map(name => form(encoder(`minilm-l6-${name}`))),
  decoder('smollm2-135m-fp32', patching),
  { ...decoder('smollm2-135m-q4', patchingFew), chromium: true },
  ...['past', 'fp16', 'int8', 'q4-standard'].map(name => form(decoder(`smollm2-135m-${name}`, [])))
];
