import { ids, indices, integer, MAX_INDEX, text } from './spec';

/** The text or the ids that the model reads: give one. */
export const INPUT = {
  text: text({
    title: 'Text',
    read: true,
    description: 'What the model reads. Needs a tokenizer beside the model; without one give ids.',
    default: 'The cat sat on the mat. The cat sat on the',
    maxLength: 20000
  }),
  ids: ids({ title: 'Token ids', description: 'Token ids instead of a text, special tokens included.' })
};

/** Beside text and ids, what a model without ids looks at: give one of all. */
export const SEEN = {
  image: text({
    title: 'Image',
    only: 'numbers',
    description:
      'A PNG beside the notebook (in JupyterLab any image that the browser reads), for a model that reads pixels; prepared as its preprocessor_config.json says.',
    maxLength: 1024
  }),
  tensors: text({
    title: 'Tensors',
    only: 'numbers',
    description:
      'A safetensors file beside the notebook with the model’s inputs (pixels, embeddings), one row, exactly as they are.',
    maxLength: 1024
  })
};

export const LAYERS = indices({ title: 'Layers', description: 'Layers to show, counted from 0; absent = all.' });

export const HEADS = indices({
  title: 'Heads',
  description: 'Heads to show in each layer, counted from 0; absent = all.'
});

/** One head. */
export const HEAD = {
  layer: integer({
    title: 'Layer',
    description: 'The head’s layer, counted from 0.',
    default: 1,
    minimum: 0,
    maximum: MAX_INDEX
  }),
  head: integer({
    title: 'Head',
    description: 'The head, counted from 0.',
    default: 0,
    minimum: 0,
    maximum: MAX_INDEX
  })
};
