import { findAnalysis } from '../analyses';
import type { Analysis } from '../analyses/analysis';
import type { Check } from '../analyses/check';
import { count, number, object, optional, record, text } from '../analyses/check';
import { quote } from '../analyses/quote';
import type { Spec, SpecFields } from '../analyses/spec/spec';
import { validateSpec } from '../analyses/spec/validate-spec';
import type { ModelReference, Payload, Provenance } from './payload';
import { MIME_TYPE } from './payload';
import { readMajor } from './read-major';

/** What a payload says, checked: the analysis it names, its spec with defaults, its result if it has one. */
export interface CheckedPayload {
  readonly payload: Payload;
  readonly analysis: Analysis;
  readonly spec: Spec<SpecFields>;
}

/** Longest path; longest payload given as text. */
export const MAX_PATH = 1024;
const MAX_TEXT = 2 ** 23;
export const MAX_SEED = 2 ** 32 - 1;
/** A path of the model's folder or file: relative, POSIX, without a scheme or control characters. */
export const PATH_PATTERN = '^(?!/)(?![A-Za-z][A-Za-z0-9+.-]*:)[^\\\\\\u0000-\\u001f\\u007f]+$';
export const HASH_PATTERN = '^sha256:[0-9a-f]{64}$';

/**
 * Hostile content of the MIME type → checked, or an error of one sentence. Some kernels deliver JSON as a string: both are
 * taken. `seed` (0) and `spec` ({}) may be absent; fields that are not known are left out.
 */
export function validatePayload(content: unknown, mimeType: string = MIME_TYPE): CheckedPayload {
  checkMajor(mimeType);
  const given = parsed(content);
  if (given === null || typeof given !== 'object' || Array.isArray(given)) {
    throw new Error(`output: its content must be an object, got ${quote(given)}`);
  }
  const read = (name: string): unknown =>
    Object.hasOwn(given, name) ? (given as Record<string, unknown>)[name] : undefined;
  const analysis = findAnalysis(checked(text, read('analysis'), 'analysis'));
  const spec = validateSpec(analysis, read('spec') ?? {});
  const payload = {
    analysis: analysis.id,
    model: checked(modelReference, read('model'), 'model'),
    seed: checked(seed, read('seed') ?? 0, 'seed'),
    spec,
    ...resultOf(analysis, read('result')),
    ...provenanceOf(read('provenance'))
  };
  return { payload, analysis, spec };
}

function checkMajor(mimeType: string): void {
  const major = readMajor(mimeType);
  if (major !== readMajor(MIME_TYPE)) {
    throw new Error(
      major === undefined
        ? `output: ${quote(mimeType)} is not a type of this extension`
        : `output: its format is version ${major}, this extension reads version ${readMajor(MIME_TYPE)}: ${major > 1 ? 'update the extension' : 'run it again'}`
    );
  }
}

function parsed(content: unknown): unknown {
  if (typeof content !== 'string') {
    return content;
  }
  if (content.length > MAX_TEXT) {
    throw new Error(`output: its content has ${content.length} characters, at most ${MAX_TEXT} are read`);
  }
  try {
    return JSON.parse(content);
  } catch {
    throw new Error(`output: its content is text that is not JSON: ${quote(content)}`);
  }
}

function checked<T>(check: Check<T>, value: unknown, at: string): T {
  try {
    return check(value, at);
  } catch (error) {
    throw new Error(`output: ${(error as Error).message}`);
  }
}

const seed: Check<number> = (value, at) => {
  const given = count(value, at);
  if (given > MAX_SEED) {
    throw new Error(`'${at}' must be an integer from 0 to ${MAX_SEED}, got ${given}`);
  }
  return given;
};

const matching =
  (pattern: string, longest: number, allowed: string): Check<string> =>
  (value, at) => {
    if (typeof value !== 'string' || value.length > longest || !new RegExp(pattern).test(value)) {
      throw new Error(`'${at}' must be ${allowed}, got ${quote(value)}`);
    }
    return value;
  };

const FIELDS: Check<ModelReference> = object<ModelReference>({
  path: optional(matching(PATH_PATTERN, MAX_PATH, 'a relative path with forward slashes')),
  hash: optional(matching(HASH_PATTERN, 80, "'sha256:' and 64 hexadecimal digits"))
});

const modelReference: Check<ModelReference> = (value, at) => withoutAbsent(FIELDS(value, at));

const provenance: Check<Provenance> = (value, at) =>
  withoutAbsent(
    object<Provenance>({
      modelHash: text,
      tokenizerHash: optional(text),
      dtypes: record(count),
      runtime: text,
      threads: count,
      version: text,
      created: text,
      seconds: number
    })(value, at)
  );

function withoutAbsent<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as T;
}

function resultOf(analysis: Analysis, result: unknown): { result?: unknown } {
  if (result === undefined || result === null) {
    return {};
  }
  try {
    return { result: analysis.validateResult(result) };
  } catch (error) {
    throw new Error(`saved ${analysis.id}: ${(error as Error).message}`);
  }
}

function provenanceOf(value: unknown): { provenance?: Provenance } {
  return value === undefined || value === null ? {} : { provenance: checked(provenance, value, 'provenance') };
}
