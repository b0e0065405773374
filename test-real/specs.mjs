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

/** Twelve texts of some twenty tokens each: more than a hundred different points at every place. */
const TEXTS = [
  'The old captain sailed the ship across the cold sea and came home in the spring.',
  'In the spring the river rises, and the people of the town carry their boats to the hill.',
  'Congress passed the act in March, and the President of the United States signed it.',
  'She opened the window, looked at the sea for a long time, and wrote a letter to her brother.',
  'Her brother read the letter twice and gave it to the old doctor of the town.',
  'There are seven kinds of whales, said the sailor, and every one of them is feared.',
  'The price of corn has doubled since the war, while the wages of labor are the same.',
  'A dog ran through the market, and the children ran after it with great joy.',
  'Light travels faster than sound, so we see the storm before we hear it.',
  'If the question is put to a vote of the people, the answer will surprise the States.',
  'He counted one, two, three, four ships in the harbor before the night came.',
  'Music filled the house until the last guest had gone and the lamps were dark.'
].join('\n');

/** Each text followed by the three next: more points than the stream has dimensions, which CCA needs. */
const PAIRED = TEXTS.split('\n')
  .flatMap((text, i, all) => [1, 2, 3].map(next => `${text} ${all[(i + next) % all.length]}`))
  .join('\n');

const cca = form => ({
  name: `representation-similarity-${form}`,
  analysis: 'representation-similarity',
  spec: { texts: PAIRED, tokens: 'but-first', most: 4000, cca: form }
});

const measures = text => [
  ...['token-uniformity', 'massive-activations', 'rank-collapse', 'head-rank'].map(analysis => ({
    analysis,
    spec: { text }
  })),
  ...['participation-ratio', 'anisotropy', 'intrinsic-dimension', 'representation-similarity'].map(analysis => ({
    analysis,
    spec: { texts: TEXTS }
  }))
];

/** The sentence of the indirect-object task with the other name twice; all heads at all positions. */
const IOI = {
  clean: DECODER_TEXT,
  corrupted: 'When Mary and John went to the store, Mary gave a drink to',
  answer: { correct: [' Mary'], wrong: [' John'] }
};

/** The other name comes again, and is not the answer. */
const TURNED = {
  clean: IOI.corrupted,
  corrupted: IOI.clean,
  answer: { correct: [' John'], wrong: [' Mary'] }
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

/** Texts whose difference is added. */
const STEERED = {
  positive:
    'I love this town and its people.\nThe feast was a great joy to us all.\nWe laughed and sang until the morning.',
  negative:
    'I hate this town and its people.\nThe war was a great grief to us all.\nWe wept and mourned until the morning.'
};

const causal = [
  { analysis: 'ablation', spec: { prompts: [IOI] } },
  {
    name: 'path-patching-logits',
    analysis: 'path-patching',
    spec: { prompts: [IOI], receiver: 'logits', normalise: false }
  },
  {
    name: 'path-patching-queries',
    analysis: 'path-patching',
    spec: { prompts: [IOI], receiver: 'q', layer: 18, heads: [0, 4, 8], normalise: false }
  },
  { analysis: 'steering', spec: { prompts: [IOI], ...STEERED, layer: 12, strength: 4, steps: 3, tokens: 0 } }
];

/** Of circuits: the same names and words come again. */
const TOLD = `${DECODER_TEXT} Mary. Then John went to the store, and Mary gave a drink to`;

const scores = (text, place, by) => ({
  name: `attention-attribution-${by}s`,
  analysis: 'attention-attribution',
  spec: { text, ...place, by }
});

const circuits = [
  { analysis: 'head-taxonomy', spec: { on: 'text', text: TOLD } },
  { analysis: 'direct-logit-attribution', spec: { prompts: [IOI] } },
  scores(DECODER_TEXT, { layer: 17, head: 4, query: 9 }, 'head'),
  scores(DECODER_TEXT, { layer: 23, head: 3 }, 'layer'),
  { analysis: 'ov-circuit', spec: { layer: 23, head: 3, text: ' Mary John store', shares: 0 } },
  { analysis: 'qk-circuit', spec: { layer: 17, head: 4, text: ' Mary John store', shares: 0 } },
  { analysis: 'composition', spec: { samples: 5 } },
  { analysis: 'virtual-heads', spec: { prompts: [IOI] } },
  { analysis: 'causal-tracing', spec: { prompts: [IOI, TURNED], by: 'head', layers: [17, 20, 23] } },
  { analysis: 'head-card', spec: { layer: 23, head: 3, prompts: [IOI] } },
  { name: 'logit-lens-components', analysis: 'logit-lens', spec: { text: DECODER_TEXT, by: 'component' } }
];

/** An encoder without an unembedding must refuse what reads logits, in words. */
const encoderCircuits = [
  { analysis: 'head-taxonomy', spec: { on: 'text', text: ENCODER_TEXT } },
  scores(ENCODER_TEXT, { layer: 3, head: 5 }, 'head'),
  scores(ENCODER_TEXT, { layer: 5, head: 2, query: 5 }, 'layer'),
  { analysis: 'qk-circuit', spec: { layer: 3, head: 5, text: 'keeper light ships', shares: 0 } },
  { analysis: 'composition', spec: { samples: 5 } },
  ...['direct-logit-attribution', 'ov-circuit', 'virtual-heads', 'causal-tracing'].map(analysis => ({
    analysis,
    spec: {},
    refused: true
  }))
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

/** PWCCA takes all dimensions of every two places: seconds with seven places, and half an hour with 31. */
const withMeasures = model => ({
  ...model,
  runs: [...model.runs, ...measures(model.text), cca('svcca'), cca('pwcca')]
});

/** Other exporters' and precisions' files of the same weights: what is recognised, and the hooks. */
const form = model => ({ ...model, runs: [] });

/** Sections of their own. */
const similarityOf = folder => ({
  folder,
  about: 'similarity',
  hooks: [],
  runs: [{ analysis: 'representation-similarity', spec: { texts: TEXTS } }, cca('svcca')]
});
const circuitsOf = (folder, runs) => ({ folder, about: 'circuits', hooks: [], runs, chromium: true });

export const MODELS = [
  { ...withMeasures(encoder('minilm-l6-fp32')), chromium: true },
  circuitsOf('minilm-l6-fp32', encoderCircuits),
  ...['dynamo', 'torchscript', 'fp16', 'int8'].map(name => form(encoder(`minilm-l6-${name}`))),
  { ...decoder('smollm2-135m-fp32', [...patching, ...causal, ...measures(DECODER_TEXT)]), chromium: true },
  similarityOf('smollm2-135m-fp32'),
  circuitsOf('smollm2-135m-fp32', circuits),
  { ...decoder('smollm2-135m-q4', patchingFew), chromium: true },
  ...['past', 'fp16', 'int8', 'q4-standard', 'q4-symmetric'].map(name => form(decoder(`smollm2-135m-${name}`, [])))
];
