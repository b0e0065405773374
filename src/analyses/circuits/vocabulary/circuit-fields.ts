import { ids, integer, text } from '../../spec/spec';

/** Tokens whose rows are listed. */
export const MOST_TOKENS = 32;

/** What both circuits over the vocabulary are asked. */
export const CIRCUIT_FIELDS = {
  text: text({
    title: 'Text',
    read: true,
    description: `Tokens whose row of that head is listed, at most ${MOST_TOKENS} different ones. Needs a tokenizer beside the model; without one give ids.`,
    maxLength: 400
  }),
  ids: ids({ title: 'Token ids', description: 'Token ids instead of a text.' }),
  layer: integer({
    title: 'Layer',
    description: 'Layer of the head that is taken apart, counted from 0; −1: the head of the largest score.',
    default: -1,
    minimum: -1,
    maximum: 65535
  }),
  head: integer({
    title: 'Head',
    description: 'That head, counted from 0; −1: the head of the largest score.',
    default: -1,
    minimum: -1,
    maximum: 65535
  }),
  directions: integer({
    title: 'Directions',
    description: 'Singular directions of that head, the largest first.',
    default: 4,
    minimum: 1,
    maximum: 16
  }),
  topK: integer({
    title: 'Top k',
    description: 'Tokens listed at each end of a direction and of each row.',
    default: 8,
    minimum: 1,
    maximum: 20
  }),
  shares: integer({
    title: 'Heads with shares',
    description:
      'Heads, of the largest scores, for which it is counted how many tokens have their own token first, besides the head that is named above (0: that head alone); each costs d_head × vocabulary × (d_model + tokens) products.',
    default: 6,
    minimum: 0,
    maximum: 4096
  }),
  sources: integer({
    title: 'Tokens counted',
    description: 'Tokens drawn at random for those shares; all where the vocabulary has no more.',
    default: 256,
    minimum: 1,
    maximum: 8192
  })
};
