import { analyses } from '../analyses';
import { jsonSchema } from '../analyses/spec/json-schema';
import type { Command } from './command';
import { readArguments } from './read-arguments';
import { UsageError } from './usage-error';

export const list: Command = {
  name: 'list',
  usage: 'orrery list [--json]',
  summary: 'shows the analyses with their JSON Schemas',
  run: async (args, console) => {
    const { values, positionals } = readArguments(args, { json: { type: 'boolean' } });
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
