import type { Field, SpecFields } from './spec';
import { INPUTS } from './validate-spec';
import { REQUESTED_SETS } from '../prompts/sets';
import {
  MAX_ANSWERS,
  MAX_ID,
  MAX_IDS,
  MAX_INDEX,
  MAX_INDICES,
  MAX_PROMPT_CHARACTERS,
  MAX_PROMPTS,
  MAX_SET_SEED
} from './spec';

/** JSON Schema (draft 2020-12), as plain JSON. */
export type JsonSchema = { readonly [key: string]: unknown };

/** Schema of a spec: says the same as `validateSpec`. */
export function jsonSchema(fields: SpecFields): JsonSchema {
  const properties = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, property(field)]));
  const oneInput = fields['text']?.type === 'text' && fields['ids']?.type === 'ids';
  return {
    type: 'object',
    properties,
    additionalProperties: false,
    ...(oneInput ? exclusive(INPUTS.filter(name => fields[name])) : {})
  };
}

/** No two of them together. */
function exclusive(names: readonly string[]): JsonSchema {
  const pairs = names.flatMap((one, at) => names.slice(at + 1).map(other => ({ required: [one, other] })));
  return { not: pairs.length === 1 ? pairs[0] : { anyOf: pairs } };
}

function property(field: Field): JsonSchema {
  const words = { title: field.title, description: field.description };
  return {
    ...words,
    ...TYPES[field.type](field as never),
    ...(field.default === undefined ? {} : { default: field.default })
  };
}

type Types = { readonly [K in Field['type']]: (field: Extract<Field, { type: K }>) => JsonSchema };

const integers = (maximum: number, maxItems: number): JsonSchema => ({
  type: 'array',
  items: { type: 'integer', minimum: 0, maximum },
  minItems: 1,
  maxItems
});

const promptText: JsonSchema = {
  anyOf: [{ type: 'string', minLength: 1, maxLength: MAX_PROMPT_CHARACTERS }, integers(MAX_ID, MAX_IDS)]
};

const answerToken: JsonSchema = {
  anyOf: [
    { type: 'string', minLength: 1, maxLength: 200 },
    { type: 'integer', minimum: 0, maximum: MAX_ID }
  ]
};

const answers: JsonSchema = {
  type: 'array',
  items: answerToken,
  minItems: 1,
  maxItems: MAX_ANSWERS
};

const objectOf = (properties: Readonly<Record<string, JsonSchema>>, ...required: readonly string[]): JsonSchema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false
});

const weights: JsonSchema = {
  type: 'array',
  items: objectOf({ token: answerToken, weight: { type: 'number' } }, 'token', 'weight'),
  minItems: 1,
  maxItems: MAX_ANSWERS
};

const prompt = objectOf(
  {
    clean: promptText,
    corrupted: promptText,
    corrupted2: promptText,
    answer: {
      ...objectOf({ correct: answers, wrong: answers, weights }),
      anyOf: [{ required: ['correct'] }, { required: ['weights'] }]
    }
  },
  'clean'
);

const promptSetSchema = ({ id, title, counterfactuals }: (typeof REQUESTED_SETS)[number]): JsonSchema => ({
  title,
  ...objectOf(
    {
      set: { const: id },
      ...(Object.keys(counterfactuals).length > 0 && { counterfactual: { enum: Object.keys(counterfactuals) } }),
      n: { type: 'integer', minimum: 1, maximum: MAX_PROMPTS },
      seed: { type: 'integer', minimum: 0, maximum: MAX_SET_SEED }
    },
    'set'
  )
});

const TYPES: Types = {
  text: ({ maxLength, media }) => ({ type: 'string', maxLength, ...(media && { contentMediaType: media }) }),
  ids: () => integers(MAX_ID, MAX_IDS),
  integer: ({ minimum, maximum }) => ({ type: 'integer', minimum, maximum }),
  number: ({ minimum, maximum }) => ({ type: 'number', minimum, maximum }),
  choice: ({ options }) => ({ enum: options }),
  indices: () => ({ ...integers(MAX_INDEX, MAX_INDICES), uniqueItems: true }),
  flag: () => ({ type: 'boolean' }),
  prompts: () => ({
    anyOf: [
      { type: 'array', items: prompt, minItems: 1, maxItems: MAX_PROMPTS },
      ...REQUESTED_SETS.map(promptSetSchema)
    ]
  })
};
