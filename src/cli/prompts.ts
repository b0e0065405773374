import { chooseSet, type ChosenSet } from '../analyses/prompts/choose-set';
import { promptSet, REQUESTED_SETS } from '../analyses/prompts/sets';
import { promptsFault } from '../analyses/spec/prompts-fault';
import type { Prompt, PromptSetRequest } from '../analyses/spec/spec';
import type { Command } from './command';
import { writeWhole } from './files';
import { withSubject } from './open-subject';
import { readArguments } from './read-arguments';
import { UsageError } from './usage-error';

const OPTIONS = {
  counterfactual: {
    type: 'string',
    value: 'WAY',
    about: 'how the corrupted prompt differs, where the set has several ways'
  },
  n: { type: 'string', value: 'N', about: 'how many prompts' },
  seed: { type: 'string', value: 'S', about: 'of what is drawn' },
  out: { type: 'string', value: 'F.jsonl', about: 'where to write, instead of to the standard output' }
} as const;

export const prompts: Command = {
  name: 'prompts',
  usage: 'SET MODEL',
  summary: `makes prompts for a model's tokenizer, clean, corrupted, right and wrong answers: ${REQUESTED_SETS.map(({ id }) => id).join(', ')}`,
  options: OPTIONS,
  run: async (args, console) => {
    const { values, positionals } = readArguments(args, OPTIONS);
    const [set, path, ...more] = positionals;
    if (set === undefined || path === undefined || more.length > 0) {
      throw new UsageError(
        `SET and MODEL are wanted, got ${positionals.map(word => `'${word}'`).join(', ') || 'neither'}`
      );
    }
    const request = requestOf(set, values);
    await withSubject({ path }, console, async subject => {
      const chosen = chooseSet(subject, request);
      const text = chosen.made.prompts.map(line).join('');
      await (values.out === undefined ? console.out(text) : writeWhole(values.out, text));
      console.say(said(chosen));
    });
  }
};

/** As the field of a spec has it; wrong usage where that would be refused. */
function requestOf(
  set: string,
  values: { readonly counterfactual?: string; readonly n?: string; readonly seed?: string }
): PromptSetRequest {
  const number = (value: string): number => (/^\d{1,10}$/.test(value) ? Number(value) : NaN);
  const request: PromptSetRequest = {
    set,
    ...(values.counterfactual !== undefined && { counterfactual: values.counterfactual }),
    ...(values.n !== undefined && { n: number(values.n) }),
    ...(values.seed !== undefined && { seed: number(values.seed) })
  };
  const fault = promptsFault(request, 'prompts');
  if (fault !== undefined) {
    throw new UsageError(fault);
  }
  return request;
}

/** A row of a table that `run --prompts` and Python read back. */
const line = ({ clean, corrupted, corrupted2, answer }: Prompt): string =>
  `${JSON.stringify({ clean, corrupted, corrupted2, correct: answer?.correct, wrong: answer?.wrong })}\n`;

function said({ request, made: { prompts: made, words, drafts, aligned }, passed }: ChosenSet): string {
  const way = promptSet(request.set).counterfactuals[request.counterfactual];
  const kept = words.map(({ kind, kept: left, of }) => `${left} of ${of} ${kind}`).join(', ');
  return (
    `${made.length} prompts of ${request.set}, corrupted: ${way}; ` +
    (kept ? `single tokens: ${kept}; ` : '') +
    `${aligned} of ${drafts} drafts have versions of as many tokens` +
    passed.map(({ set, why }) => `; not ${set}: ${why}`).join('')
  );
}
