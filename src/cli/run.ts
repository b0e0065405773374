import { stat } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';

import { promptTable } from '../analyses/prompts/prompt-table';
import { reckoning, seeing } from '../analyses/seen';
import type { Prompt } from '../analyses/spec/spec';
import type { Figure } from '../figures/figure';
import { makeBundle } from '../report/bundle';
import type { Picture } from '../report/html';
import { MIME_TYPE } from '../report/payload';
import { namedModels } from '../report/named-models';
import { makeProvenance } from '../report/provenance';
import { readMajor } from '../report/read-major';
import { validatePayload, type CheckedPayload } from '../report/validate-payload';
import type { Context } from '../subject/context';
import { needsOf, refuseWithoutRoom } from '../subject/refuse-without-room';
import type { Subject } from '../subject/subject';
import { atlasPicture } from './atlas-picture';
import type { Command } from './command';
import { readWhole, writeWhole } from './files';
import { longWords } from './long-words';
import { openSubject, withSubject } from './open-subject';
import { onlyPositional, readArguments } from './read-arguments';
import { THREADS, threadsOf } from './threads';
import { VERSION } from '../report/version';

const MOST_SPEC_BYTES = 2 ** 24;
const MOST_SEEN_BYTES = 2 ** 28;

const OPTIONS = {
  model: { type: 'string', value: 'MODEL', about: 'the model, instead of the one that the spec names' },
  other: {
    type: 'string',
    multiple: true,
    value: 'MODEL',
    about: 'a model that the spec compares with, in the order in which it names them'
  },
  prompts: { type: 'string', value: 'TABLE', about: 'prompts of the spec, a table .csv or .jsonl' },
  rows: { type: 'string', value: 'TABLE', about: 'labelled texts of the spec, a table' },
  out: { type: 'string', value: 'BUNDLE.json', about: 'where to write, instead of to the standard output' },
  ...THREADS
} as const;

export const run: Command = {
  name: 'run',
  usage: 'SPEC.json',
  summary: 'runs one analysis and writes its MIME bundle',
  options: OPTIONS,
  run: async (args, console) => {
    const { values, positionals } = readArguments(args, OPTIONS);
    const threads = threadsOf(values);
    const file = onlyPositional(positionals, 'SPEC.json');
    const tables = {
      ...(values.prompts !== undefined && { prompts: await readTable(values.prompts) }),
      ...(values.rows !== undefined && { rows: await readText(values.rows, 'labelled table') })
    };
    const { checked, earlier } = readSpec(await readWhole(file, MOST_SPEC_BYTES), file, tables);
    const path = values.model ?? (await modelPath(checked, file));
    const named = namedModels(checked.spec);
    await withSubject({ path, threads }, console, async (subject, context) => {
      const open = (other: string): Promise<Subject> =>
        openSubject({ path: values.other?.[named.indexOf(other)] ?? resolve(dirname(file), other), threads }, context);
      const read = (name: string): Promise<Uint8Array> => readWhole(resolve(dirname(file), name), MOST_SEEN_BYTES);
      const done = withPath(
        await compute(checked, subject, { ...context, open, read }, line => console.say(`orrery: ${line}`)),
        relative(dirname(resolve(values.out ?? file)), resolve(path))
      );
      const { data, leftOut } = makeBundle(done, { pictures: await picturesOf(done) });
      const text = `${JSON.stringify(data, null, 1)}\n`;
      await (values.out === undefined ? console.out(text) : writeWhole(values.out, text));
      const note = leftOut.length > 0 ? `; left out to keep the output small: ${leftOut.join(', ')}` : '';
      console.say(`ran ${done.analysis.id} on ${subject.facts.label}${otherFile(earlier, subject.facts.hash)}${note}`);
    });
  }
};

interface ReadSpec {
  readonly checked: CheckedPayload;
  /** Hash of the model that a saved result is of. */
  readonly earlier: unknown;
}

/** The content of the MIME type, or a bundle with it; of a saved result only which file it was of. */
const readSpec = (bytes: Uint8Array, file: string, tables: Readonly<Record<string, unknown>>): ReadSpec => {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Error(`spec malformed: '${file}' is not JSON`);
  }
  const bundle = isRecord(json) ? Object.entries(json) : [];
  const [type, content] = bundle.find(([key]) => readMajor(key) !== undefined) ?? [MIME_TYPE, json];
  const fields = isRecord(content) && isRecord(content.spec) ? content.spec : {};
  const given = Object.keys(tables).length > 0 && { spec: { ...fields, ...tables } };
  const spec = isRecord(content)
    ? { model: {}, ...content, ...given, result: undefined, provenance: undefined }
    : content;
  try {
    return { checked: validatePayload(spec, type), earlier: earlierHash(content) };
  } catch (error) {
    throw new Error(`spec '${file}': ${(error as Error).message}`, { cause: error });
  }
};

const earlierHash = (content: unknown): unknown =>
  isRecord(content) && isRecord(content.provenance) ? content.provenance.modelHash : undefined;

const otherFile = (earlier: unknown, hash: string): string =>
  typeof earlier === 'string' && earlier !== hash
    ? `; the result saved in the spec was of another file (${earlier}), this one is ${hash}`
    : '';

const readTable = async (file: string): Promise<readonly Prompt[]> =>
  promptTable(await readText(file, 'prompt table'), file);

const readText = async (file: string, what: string): Promise<string> => {
  const bytes = await readWhole(file, MOST_SPEC_BYTES);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`${what} '${file}': not UTF-8`);
  }
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The model that ran, as the bundle finds it from where it lies (on the terminal: from the spec's folder). */
const withPath = (done: CheckedPayload, path: string): CheckedPayload => ({
  ...done,
  payload: { ...done.payload, model: { ...done.payload.model, path: path.split(sep).join('/') } }
});

/** Relative to the spec's own folder. */
const modelPath = async ({ payload }: CheckedPayload, file: string): Promise<string> => {
  if (payload.model.path === undefined) {
    throw new Error(`model missing: '${file}' names no path, so give --model`);
  }
  const path = resolve(dirname(file), payload.model.path);
  if (!(await stat(path).catch(() => undefined))) {
    throw new Error(`model missing: '${path}', which '${file}' names, is not there, so give --model`);
  }
  return path;
};

const compute = async (
  checked: CheckedPayload,
  subject: Subject,
  context: Context,
  say: (line: string) => void
): Promise<CheckedPayload> => {
  const { analysis, payload, spec } = checked;
  const { facts } = subject;
  if (payload.model.hash !== undefined && payload.model.hash !== facts.hash) {
    throw new Error(`model differs: '${facts.label}' has ${facts.hash}, the spec names ${payload.model.hash}`);
  }
  const refusal = analysis.refuses(subject);
  if (refusal !== undefined) {
    throw new Error(`${analysis.id} is not possible on '${facts.label}': ${refusal}`);
  }
  const cost = analysis.cost(reckoning(subject, spec), spec);
  refuseWithoutRoom(`'${analysis.id}'`, needsOf(cost), subject.room());
  const long = longWords(cost);
  if (long !== undefined) {
    say(long);
  }
  const started = performance.now();
  const result = await analysis.compute(await seeing(subject, spec, context), spec, context, payload.seed);
  const seconds = (performance.now() - started) / 1000;
  const provenance = makeProvenance(facts, { version: VERSION, created: new Date(), seconds });
  return { ...checked, payload: { ...payload, result, provenance } };
};

/** Maps of heads are drawn without a page; other figures need one. */
const picturesOf = ({ analysis, payload, spec }: CheckedPayload): Promise<readonly (Picture | undefined)[]> =>
  Promise.all(
    analysis
      .figures(payload.result, spec)
      .map(async (figure: Figure) => (figure.kind === 'atlas' ? atlasPicture(figure) : undefined))
  );
