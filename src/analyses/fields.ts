import { ids, indices, text } from './spec';

/** The text or the ids that the model reads: give one. */
export const INPUT = {
  text: text({
    title: 'Text',
    description: 'What the model reads. Needs a tokenizer beside the model; without one give ids.',
    default: 'The cat sat on the mat. The cat sat on the',
    maxLength: 20000
  }),
  ids: ids({ title: 'Token ids', description: 'Token ids instead of a text, special tokens included.' })
};

export const LAYERS = indices({ title: 'Layers', description: 'Layers to show, counted from 0; absent = all.' });

export const HEADS = indices({
  title: 'Heads',
  description: 'Heads to show in each layer, counted from 0; absent = all.'
});
