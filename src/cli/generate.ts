import type { When } from '../subject/generate/generate-aim';
import type { Generation } from '../subject/generate/generate';
import type { Sampling } from '../subject/generate/generate-sample';
import type { Subject } from '../subject/subject';
import type { Command } from './command';
import { generateWithEdges, type EdgeChanges } from './edge-changes';
import { idList, inputOf, promptReader } from './input-reader';
import { readInterventionFile } from './intervention-file';
import { runInterventions } from './intervention-runs';
import { withSubject } from './open-subject';
import { onlyPositional, readArguments } from './read-arguments';
import { THREADS, threadsOf } from './threads';
import { UsageError } from './usage-error';

const OPTIONS = {
  text: { type: 'string' },
  ids: { type: 'string' },
  'decoder-text': { type: 'string' },
  'decoder-ids': { type: 'string' },
  tokens: { type: 'string', default: '20' },
  temperature: { type: 'string' },
  'top-k': { type: 'string' },
  seed: { type: 'string' },
  stop: { type: 'string' },
  intervene: { type: 'string' },
  edges: { type: 'string', multiple: true },
  'edges-text': { type: 'string' },
  'edges-ids': { type: 'string' },
  when: { type: 'string', default: 'always' },
  json: { type: 'boolean' },
  ...THREADS
} as const;

export const generate: Command = {
  name: 'generate',
  usage:
    'orrery generate MODEL (--text T | --ids 1,2,3) [--decoder-text T | --decoder-ids 0,1] [--tokens N] [--temperature X] [--top-k K] [--seed S] [--stop 1,2] [--intervene I.json | --edges SENDER->RECEIVER … [--edges-text T | --edges-ids 4,5]] [--when prompt|always] [--json] [--threads N]',
  summary: 'continues a prompt, greedy or sampled, also under interventions or with edges cut',
  run: async (args, console) => {
    const { values, positionals } = readArguments(args, OPTIONS, ['--edges']);
    const opening = { path: onlyPositional(positionals, 'MODEL'), threads: threadsOf(values) };
    const tokens = wholeNumber('--tokens', values.tokens);
    const when = whenOf(values.when);
    const sampling = samplingOf(values);
    const stop = values.stop === undefined ? [] : idList(values.stop, '--stop');
    const changes = edgeChanges(values, when);
    const reader = await promptReader(values);
    const plan = values.intervene === undefined ? undefined : await readInterventionFile(values.intervene);
    await withSubject(opening, console, async (opened, context) => {
      const { subject, ids } = reader.request(opened);
      const interventions = plan && (await runInterventions(plan, subject, ids.length, context));
      const request = { ids, tokens, stop, ...(sampling && { sampling }) };
      const made = changes
        ? await generateWithEdges(subject, changes, request, context)
        : await subject.generate({ ...request, when, ...(interventions && { interventions }) }, context);
      await console.out(values.json ? asJson(subject, ids[0], made) : `${words(subject, made.ids[0])}\n`);
      console.say(`generated ${made.ids[0].length} tokens by ${METHODS[made.method]}`);
    });
  }
};

const METHODS = { past: 'steps with past keys and values', whole: 'whole forwards' } as const;

const words = ({ tokens }: Subject, ids: readonly number[]): string => tokens?.decode(ids) ?? ids.join(',');

const asJson = (subject: Subject, prompt: readonly number[], { ids: [ids], method }: Generation): string => {
  const { tokens } = subject;
  const said = tokens && { text: tokens.decode(ids), tokens: ids.map(id => tokens.label(id)) };
  return `${JSON.stringify({ prompt, ids, ...said, method })}\n`;
};

const wholeNumber = (option: string, value: string): number => {
  if (!/^\d{1,9}$/.test(value)) {
    throw new UsageError(`${option} is '${value}', wanted a whole number`);
  }
  return Number(value);
};

const whenOf = (value: string): When => {
  if (value !== 'prompt' && value !== 'always') {
    throw new UsageError(`--when is '${value}', wanted prompt or always`);
  }
  return value;
};

/** undefined where no edge is named. */
const edgeChanges = (
  values: {
    readonly edges?: readonly string[];
    readonly 'edges-text'?: string;
    readonly 'edges-ids'?: string;
    readonly intervene?: string;
  },
  when: When
): EdgeChanges | undefined => {
  const { edges, 'edges-text': text, 'edges-ids': ids, intervene } = values;
  const other = inputOf(text, ids, '--edges-ids');
  if (text !== undefined && ids !== undefined) {
    throw new UsageError('one of --edges-text and --edges-ids is wanted at most, got both');
  }
  if (edges === undefined && other !== undefined) {
    throw new UsageError(`--edges-${text === undefined ? 'ids' : 'text'} wants --edges, which says where it goes`);
  }
  if (edges !== undefined && intervene !== undefined) {
    throw new UsageError('one of --edges and --intervene is wanted at most, got both');
  }
  return edges && { names: edges, when, ...(other && { other }) };
};

/** Greedy where none of its options is given. */
const samplingOf = (values: {
  readonly temperature?: string;
  readonly 'top-k'?: string;
  readonly seed?: string;
}): Sampling | undefined => {
  const { temperature, 'top-k': most, seed } = values;
  if (temperature !== undefined && !/^\d+(\.\d+)?$/.test(temperature)) {
    throw new UsageError(`--temperature is '${temperature}', wanted a number`);
  }
  const sampling: Sampling = {
    ...(temperature !== undefined && { temperature: Number(temperature) }),
    ...(most !== undefined && { topK: wholeNumber('--top-k', most) }),
    ...(seed !== undefined && { seed: wholeNumber('--seed', seed) })
  };
  return Object.keys(sampling).length > 0 ? sampling : undefined;
};
