import type { Context } from '../subject/context';
import type { Subject } from '../subject/subject';

/** What the spec says that a model without ids looks at. */
export interface SeenFields {
  readonly image?: string;
  readonly tensors?: string;
}

/** The file that a spec names to be looked at; undefined where it names none. */
export function seenPath({ image, tensors }: SeenFields): string | undefined {
  return image ?? tensors;
}

/** The subject as it looks at the file that the spec names; itself where it names none. Throws one sentence. */
export async function seeing(subject: Subject, spec: SeenFields, context: Context): Promise<Subject> {
  const path = seenPath(spec);
  if (path === undefined) {
    return subject;
  }
  if (!subject.looking) {
    throw new Error(`input differs: '${subject.facts.label}' reads ids, so give text or ids instead of '${path}'`);
  }
  if (!context.read) {
    throw new Error(`file not read: '${path}', because nothing can be read here`);
  }
  const kind = spec.image === undefined ? 'tensors' : 'image';
  const { decode } = context;
  return subject.looking({ kind, path, bytes: await context.read(path), ...(decode && { decode }) });
}

/** Tokens of embeddings that are not read yet. */
const UNREAD = 64;

/** The subject for reckoning what a run costs, before the file is read: its places are as many as an image has. */
export function reckoning(subject: Subject, spec: SeenFields): Subject {
  const { content } = subject.tower;
  if (seenPath(spec) === undefined || !content) {
    return subject;
  }
  const ids = Array.from({ length: content.length ?? UNREAD }, (_, place) => place);
  return { ...subject, input: () => ({ ids, labels: ids.map(String), bos: false }) };
}
