import type { When } from '../subject/generate/generate-aim';
import type { Generation } from '../subject/generate/generate';
import type { Sampling } from '../subject/generate/generate-sample';
import type { Subject } from '../subject/subject';
import type { Command } from './command';
import { generateWithEdges, type EdgeChanges } from './edge-changes';
import { INPUT } from './input-options';
import { idList, inputOf, promptReader } from './input-reader';
import { readInterventionFile } from './intervention-file';
import { runInterventions } from './intervention-runs';
import { withSubject } from './open-subject';
import { onlyPositional, readArguments } from './read-arguments';
import { THREADS, threadsOf } from './threads';
import { UsageError } from './usage-error';

const OPTIONS = {
  text: { ...INPUT.text },
  ids: { ...INPUT.ids },
  'decoder-text': { ...INPUT['decoder-text'] },
  'decoder-ids': { ...INPUT['decoder-ids'] },
  tokens: { type: 'string', default: '20', value: 'N', about: 'how many new tokens (20)' },
  temperature: { type: 'string', value: 'X', about: 'samples, instead of the likeliest token each time' },
  'top-k': { type: 'string', value: 'K', about: 'samples among the K likeliest tokens' },
  seed: { type: 'string', value: 'S', about: 'of what is sampled' },
  stop: { type: 'string', value: '1,2', about: 'ids that end it' },
  intervene: { ...INPUT.intervene },
  edges: {
    type: 'string',
    multiple: true,
    value: 'SENDER->RECEIVER…',
    about: 'edges between parts that are cut, instead of interventions'
  },
  'edges-text': { type: 'string', value: 'T', about: 'what goes along the cut edges: the senders on this text' },
  'edges-ids': { type: 'string', value: '4,5', about: 'the same as ids' },
  when: {
    type: 'string',
    default: 'always',
    value: 'WHEN',
    about: 'prompt or always: changes the prompt alone, or each new token too (always)'
  },
  json: { type: 'boolean', about: 'writes JSON, ids and labels too' },
  ...THREADS
} as const;

export const generate: Command = {
  name: 'generate',
  usage: 'MODEL (--text T | --ids 1,2,3)',
  summary: 'continues a prompt, greedy or sampled, also under interventions or with edges cut',
  options: OPTIONS,
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
