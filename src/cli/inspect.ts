import type { Tower } from '../anatomy/anatomy';
import type { Subject } from '../subject/subject';
import type { Command } from './command';
import { inspectText } from './inspect-text';
import { withSubject } from './open-subject';
import { onlyPositional, readArguments } from './read-arguments';
import { THREADS, threadsOf } from './threads';

const OPTIONS = {
  full: { type: 'boolean', about: 'checks more, with nine forwards more' },
  json: { type: 'boolean', about: 'writes JSON, every hook and identity by its name' },
  strict: { type: 'boolean', about: 'exits 1 where an identity of the certificate fails' },
  ...THREADS
} as const;

export const inspect: Command = {
  name: 'inspect',
  usage: 'MODEL',
  summary: 'shows anatomy and certificate',
  options: OPTIONS,
  run: async (args, console) => {
    const { values, positionals } = readArguments(args, OPTIONS);
    const opening = { path: onlyPositional(positionals, 'MODEL'), threads: threadsOf(values) };
    await withSubject(opening, console, async (subject, context) => {
      const seen = values.full ? { ...subject, ...(await subject.certify({ level: 'full' }, context)) } : subject;
      const json = inspectJson(seen);
      await console.out(values.json ? `${JSON.stringify(json, null, 1)}\n` : inspectText(seen));
      const failed = json.identities.filter(({ holds }) => !holds).map(({ name }) => name);
      if (values.strict && failed.length > 0) {
        throw new Error(`certificate failed: '${subject.facts.label}' does not satisfy ${failed.join(', ')}`);
      }
    });
  }
};

export type Inspected = Pick<Subject, 'facts' | 'anatomy' | 'certificate' | 'tokens'>;

/** Names and shapes are fixed: scripts rely on them. */
export const inspectJson = ({ facts, anatomy, certificate }: Inspected) => ({
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
