/** Options of the commands that run a model on an input. */
export const INPUT = {
  text: { type: 'string', value: 'T', about: 'a text, by the tokenizer beside the model' },
  ids: { type: 'string', value: '1,2,3', about: 'token ids' },
  'decoder-text': { type: 'string', value: 'T', about: 'what the decoder of an encoder–decoder reads, as a text' },
  'decoder-ids': { type: 'string', value: '0,1', about: 'the same as ids' },
  intervene: { type: 'string', value: 'I.json', about: 'interventions, a list in a file' }
} as const;
