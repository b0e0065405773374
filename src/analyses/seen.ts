import type { Context } from '../subject/context';
import type { Subject } from '../subject/subject';
import { towerNamed } from './reading';

/** What the spec says that a model without ids looks at. */
export interface SeenFields {
  readonly image?: string;
  readonly tensors?: string;
  /** Of models whose towers read apart: the one that is meant; else the one that something is given for. */
  readonly tower?: string;
}

/** The file that a spec names to be looked at; undefined where it names none. */
export function seenPath({ image, tensors }: SeenFields): string | undefined {
  return image ?? tensors;
}

/** The subject as it looks at the file that the spec names; itself where it names none. Throws one sentence. */
export async function seeing(subject: Subject, spec: SeenFields, context: Context): Promise<Subject> {
  const path = seenPath(spec);
  if (path === undefined) {
    return towerNamed(subject, spec.tower);
  }
  if (!subject.looking) {
    throw new Error(`input differs: '${subject.facts.label}' reads ids, so give text or ids instead of '${path}'`);
  }
  if (!context.read) {
    throw new Error(`file not read: '${path}', because nothing can be read here`);
  }
  const kind = spec.image === undefined ? 'tensors' : 'image';
  const { decode } = context;
  return towerNamed(
    await subject.looking({ kind, path, bytes: await context.read(path), ...(decode && { decode }) }),
    spec.tower
  );
}

/** Tokens of embeddings that are not read yet. */
const UNREAD = 64;

/** The subject for reckoning what a run costs, before the file is read: its places are as many as an image has. */
export function reckoning(subject: Subject, spec: SeenFields): Subject {
  const looking = subject.anatomy.towers.find(tower => tower.content);
  const seen = seenPath(spec) === undefined ? spec.tower : (spec.tower ?? looking?.name);
  const meant = towerNamed(subject, seen === 'encoder' && seenPath(spec) !== undefined ? looking?.name : seen);
  const { content } = meant.tower;
  if (!content) {
    return meant;
  }
  const ids = Array.from({ length: content.length ?? UNREAD }, (_, place) => place);
  return { ...meant, input: () => ({ ids, labels: ids.map(String), bos: false }) };
}
