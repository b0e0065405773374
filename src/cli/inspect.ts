import type { Tower } from '../anatomy/anatomy';
import type { Subject } from '../subject/subject';
import type { Command } from './command';
import { inspectText } from './inspect-text';
import { withSubject } from './open-subject';
import { onlyPositional, readArguments } from './read-arguments';

export const inspect: Command = {
  name: 'inspect',
  usage: 'orrery inspect MODEL [--json] [--strict]',
  summary: 'shows anatomy and certificate',
  run: async (args, console) => {
    const { values, positionals } = readArguments(args, { json: { type: 'boolean' }, strict: { type: 'boolean' } });
    await withSubject(onlyPositional(positionals, 'MODEL'), console, async subject => {
      const json = inspectJson(subject);
      await console.out(values.json ? `${JSON.stringify(json, null, 1)}\n` : inspectText(subject));
      const failed = json.identities.filter(({ holds }) => !holds).map(({ name }) => name);
      if (values.strict && failed.length > 0) {
        throw new Error(`certificate failed: '${subject.facts.label}' does not satisfy ${failed.join(', ')}`);
      }
    });
  }
};

/** Names and shapes are fixed: scripts rely on them. */
export const inspectJson = ({ facts, anatomy, certificate }: Subject) => ({
  model: { hash: facts.hash, bytes: facts.bytes, dtypes: facts.dtypes },
  towers: anatomy.towers.map(towerJson),
  hooks: anatomy.hooks.map(({ name, shape, status, why }) => ({
    name,
    shape,
    status,
    ...(why !== undefined && { why })
  })),
  identities: certificate.identities.map(({ name, error, tolerance, holds, at, why }) => ({
    name,
    // JSON has no infinity.
    error: Math.min(error, Number.MAX_VALUE),
    tolerance,
    holds,
    ...(at !== undefined && { at }),
    ...(why !== undefined && { why })
  }))
});

const towerJson = (tower: Tower) => {
  const { name, kind, layers, heads, kvHeads, dModel, dHead, dMlp, dVocab, maxPositions } = tower;
  const { causal, positional, norm, mlp, parallel } = tower;
  const sizes = { layers, heads, kvHeads, dModel, dHead, dMlp, dVocab, maxPositions };
  return { name, kind, ...sizes, causal, positional, norm, mlp, parallel };
};
