import { analyses } from '../analyses';
import type { JsonSchema } from '../analyses/spec/json-schema';
import { jsonSchema } from '../analyses/spec/json-schema';
import { MIME_TYPE } from './payload';
import { HASH_PATTERN, MAX_PATH, MAX_SEED, PATH_PATTERN } from './validate-payload';

const SHORT = { type: 'string', maxLength: 400 };
const COUNT = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

/** JSON Schema of the MIME type's content. What a result holds is checked beyond it: sizes that agree with shapes. */
export function payloadSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: MIME_TYPE,
    type: 'object',
    required: ['analysis', 'model'],
    properties: {
      analysis: { enum: analyses.map(({ id }) => id) },
      model: {
        type: 'object',
        properties: {
          path: { type: 'string', maxLength: MAX_PATH, pattern: PATH_PATTERN },
          hash: { type: 'string', pattern: HASH_PATTERN }
        }
      },
      seed: { type: ['integer', 'null'], minimum: 0, maximum: MAX_SEED, default: 0 },
      spec: { type: ['object', 'null'], default: {} },
      result: { type: ['object', 'null'] },
      provenance: { oneOf: [{ type: 'null' }, provenanceSchema()] }
    },
    allOf: analyses.map(({ id, spec }) => ({
      if: { properties: { analysis: { const: id } } },
      then: { properties: { spec: { oneOf: [{ type: 'null' }, jsonSchema(spec)] } } }
    }))
  };
}

function provenanceSchema(): JsonSchema {
  return {
    type: 'object',
    required: ['modelHash', 'dtypes', 'runtime', 'threads', 'version', 'created', 'seconds'],
    properties: {
      modelHash: SHORT,
      tokenizerHash: SHORT,
      dtypes: { type: 'object', maxProperties: 64, additionalProperties: COUNT },
      runtime: SHORT,
      threads: COUNT,
      version: SHORT,
      created: SHORT,
      seconds: { type: 'number' }
    }
  };
}
