import { analyses } from '../analyses';
import { jsonSchema } from '../analyses/spec/json-schema';
import type { Command } from './command';
import { readArguments } from './read-arguments';
import { UsageError } from './usage-error';

const OPTIONS = { json: { type: 'boolean', about: 'writes JSON, with the schema of each spec' } } as const;

export const list: Command = {
  name: 'list',
  usage: '',
  summary: 'shows the analyses',
  options: OPTIONS,
  run: async (args, console) => {
    const { values, positionals } = readArguments(args, OPTIONS);
    if (positionals.length > 0) {
      throw new UsageError(`no argument is wanted, got '${positionals[0]}'`);
    }
    await console.out(values.json ? `${JSON.stringify(listJson(), null, 1)}\n` : listText());
  }
};

const listJson = () =>
  analyses.map(({ id, title, description, family, measure, theory, spec }) => ({
    id,
    title,
    description,
    family,
    ...(measure !== undefined && { measure }),
    theory,
    schema: jsonSchema(spec)
  }));

const listText = (): string => {
  const width = Math.max(...analyses.map(({ id }) => id.length)) + 2;
  return analyses.map(({ id, description }) => `${id.padEnd(width)}${description}\n`).join('');
};
