import Ajv from 'ajv/dist/2020';
import { analyses } from '../../src/analyses';
import { payloadSchema } from '../../src/report/payload-schema';
import { readMajor } from '../../src/report/read-major';
import { validatePayload } from '../../src/report/validate-payload';
import { samplePayload } from './sample';

/** Of results whose spec left something to the model. */
const OPTIONAL: readonly string[] = [
  'promptSet',
  'randomIds',
  'breaks',
  'others',
  'level',
  'forwards',
  'scores',
  'attention-entropy.baseline'
];

const MODEL = { path: 'models/tiny' };
const lens = { analysis: 'logit-lens', model: MODEL };

const CASES: readonly (readonly [unknown, string | undefined])[] = [
  [lens, undefined],
  [{ ...lens, seed: 7, spec: { topK: 3, text: 'a' } }, undefined],
  [{ ...lens, model: {} }, undefined],
  [{ ...lens, model: { path: '../models/tiny', hash: `sha256:${'a'.repeat(64)}` } }, undefined],
  [{ ...lens, result: null, spec: null, seed: null }, undefined],
  [null, 'output: its content must be an object, got null'],
  [[1], 'output: its content must be an object, got a list of 1'],
  [{}, "output: 'analysis' must be a text of at most 400 characters, got undefined"],
  [{ ...lens, analysis: 'x'.repeat(300) }, 'unknown analysis'],
  [{ ...lens, analysis: 'constructor' }, "unknown analysis 'constructor'"],
  [{ analysis: 'logit-lens' }, "output: 'model' must be an object, got undefined"],
  [{ ...lens, model: { path: '/etc/passwd' } }, "output: 'model.path' must be a relative path"],
  [{ ...lens, model: { path: 'https://example.org/m.onnx' } }, "output: 'model.path' must be a relative path"],
  [{ ...lens, model: { path: 'C:\\models' } }, "output: 'model.path' must be a relative path"],
  [{ ...lens, model: { path: '' } }, "output: 'model.path' must be a relative path"],
  [{ ...lens, model: { path: 'a\u0000b' } }, "output: 'model.path' must be a relative path"],
  [{ ...lens, model: { hash: 'md5:00' } }, "output: 'model.hash' must be 'sha256:' and 64 hexadecimal digits"],
  [{ ...lens, seed: -1 }, "output: 'seed' must be an integer from 0, got -1"],
  [{ ...lens, seed: 2 ** 32 }, "output: 'seed' must be an integer from 0 to 4294967295"],
  [{ ...lens, spec: { topk: 3 } }, "analysis 'logit-lens': unknown field 'topk'"],
  [{ ...lens, spec: [] }, "analysis 'logit-lens': the spec must be an object"],
  [{ ...lens, provenance: { threads: 'many' } }, "output: 'provenance.modelHash' must be a text"]
];

describe('validatePayload', () => {
  test.each(CASES)('payload %#', (content, message) => {
    if (message === undefined) {
      expect(validatePayload(content).payload.analysis).toBe('logit-lens');
    } else {
      expect(() => validatePayload(content)).toThrow(message);
      expect(() => validatePayload(content)).toThrow(/^[^\n]{10,1200}$/);
      expect(() => validatePayload(content)).toThrow(/^[^\n]{10,1000}$/);
    }
  });

  test('the JSON Schema agrees', () => {
    const schema = new Ajv({ strict: false }).compile(payloadSchema());
    for (const [content, message] of CASES) {
      expect([content, schema(content)]).toEqual([content, message === undefined]);
    }
  });

  test('takes JSON as a string, as some kernels deliver it', () => {
    expect(validatePayload(JSON.stringify(lens)).spec).toMatchObject({ topK: 5 });
    expect(() => validatePayload('<b>not JSON')).toThrow("output: its content is text that is not JSON: '<b>not JSON'");
    expect(() => validatePayload(`${'['.repeat(100000)}${']'.repeat(100000)}`)).toThrow('got a list of 1');
  });

  test('a newer major and a foreign type say so', () => {
    expect(readMajor('application/vnd.orrery.v1+json')).toBe(1);
    expect(readMajor('application/json')).toBeUndefined();
    expect(() => validatePayload(lens, 'application/vnd.orrery.v2+json')).toThrow(
      'output: its format is version 2, this extension reads version 1: update the extension'
    );
    expect(() => validatePayload(lens, 'application/json')).toThrow(
      "'application/json' is not a type of this extension"
    );
  });

  test.each(analyses.map(({ id }) => id))('%s: a saved result is read back, a broken one refused', async id => {
    const payload = await samplePayload(id, {});
    expect(validatePayload(payload).payload).toEqual(payload);
    expect(new Ajv({ strict: false }).compile(payloadSchema())(payload)).toBe(true);
    for (const result of [4, [], {}, { values: 3 }, { values: { shape: [1e300], dims: ['a'], data: 'AAAA' } }]) {
      expect(() => validatePayload({ ...payload, result })).toThrow(new RegExp(`^saved ${id}: '`));
    }
  });

  test('every single field of a result may be missing or wrong without a crash', async () => {
    for (const { id } of analyses) {
      const payload = await samplePayload(id, {});
      for (const name of Object.keys(payload.result as object)) {
        const absent = [name, `${id}.${name}`].some(one => OPTIONAL.includes(one)) ? [] : [undefined];
        for (const wrong of [...absent, 'x', { shape: [2] }, [{}]]) {
          const result = { ...(payload.result as object), [name]: wrong };
          expect(() => validatePayload({ ...payload, result })).toThrow(/^saved /);
        }
      }
    }
  });
});
