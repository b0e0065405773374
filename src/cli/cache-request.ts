import type { Tensor } from '../onnx/tensor';
import type { ForwardRequest, Subject } from '../subject/subject';

/** Hooks and outputs that globs name, and what a wildcard met and had to leave out. */
export interface Wanted {
  readonly hooks: readonly string[];
  readonly outputs: readonly string[];
  readonly leftOut: readonly string[];
}

/**
 * `*` stands for anything but a dot. A name without it is asked for as it is, so that a hook that cannot be served is
 * refused with its reason; wildcards take the verified hooks they match. Throws for a glob that matches nothing.
 */
export const matchGlobs = ({ anatomy, outputs }: Subject, globs: readonly string[]): Wanted => {
  const hooks = new Set<string>();
  const own = new Set<string>();
  const leftOut = new Set<string>();
  for (const glob of globs) {
    const pattern = globPattern(glob);
    const before = hooks.size + own.size;
    outputs.filter(name => pattern.test(name)).forEach(name => own.add(name));
    const matched = anatomy.hooks.filter(({ name }) => pattern.test(name));
    matched.filter(({ status }) => status === 'verified').forEach(({ name }) => hooks.add(name));
    matched.filter(({ status }) => status !== 'verified').forEach(({ name }) => leftOut.add(name));
    if (!glob.includes('*') && !own.has(glob)) {
      hooks.add(glob);
    } else if (hooks.size + own.size === before && ![...hooks, ...own].some(name => pattern.test(name))) {
      const kept = matched[0];
      throw new Error(
        kept
          ? `hook ${kept.status}: '${kept.name}', because ${kept.why ?? 'no reason is known'}`
          : `hook unknown: '${glob}' matches no hook and no output of this model; '*' stands for anything but a dot`
      );
    }
  }
  const hidden = [...leftOut].filter(name => !hooks.has(name));
  return { hooks: [...hooks], outputs: [...own], leftOut: hidden };
};

const globPattern = (glob: string): RegExp =>
  new RegExp(`^${glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*+/g, '[^.]*')}$`);

/** The request that tensors for the graph's inputs make: ids, whole numbers of any width, from the input that holds them, the others as they are. */
export const requestOfTensors = (
  opened: Subject,
  tensors: ReadonlyMap<string, Tensor>,
  file: string
): Pick<ForwardRequest, 'ids' | 'feeds'> & { readonly subject: Subject } => {
  const subject = readerOf(opened, tensors);
  return { subject, ...rowsOf(subject, tensors, file) };
};

/** Of towers that read apart the one that the tensors are for; where they are for both, as the model was opened. */
const readerOf = (subject: Subject, tensors: ReadonlyMap<string, Tensor>): Subject => {
  const { anatomy, tower, reading } = subject;
  const given = anatomy.towers.filter(({ embedding, content }) => tensors.has(embedding?.ids ?? content?.input ?? ''));
  const [only] = given.includes(tower) ? [] : given;
  return only?.content && reading ? reading({ tower: only.name }) : subject;
};

const rowsOf = (
  { tower, facts, tensorInput }: Subject,
  tensors: ReadonlyMap<string, Tensor>,
  file: string
): Pick<ForwardRequest, 'ids' | 'feeds'> => {
  if (tower.content) {
    const { ids, feeds } = tensorInput(tensors, file);
    return { ids, feeds };
  }
  const name = tower.embedding?.ids;
  const ids = name === undefined ? undefined : tensors.get(name);
  if (name === undefined || ids === undefined) {
    throw new Error(`input missing: '${file}' has no tensor '${name ?? 'ids'}' with the ids for '${facts.label}'`);
  }
  const [rows, length] = ids.dims;
  if (ids.dims.length !== 2 || rows === 0 || length === 0) {
    throw new Error(`input malformed: '${name}' of '${file}' has shape [${ids.dims.join(', ')}], wanted [batch, pos]`);
  }
  if (!/^u?int(8|16|32|64)$/.test(ids.type)) {
    throw new Error(`input malformed: '${name}' of '${file}' is ${ids.type}, wanted whole numbers`);
  }
  const flat = Array.from(ids.data as ArrayLike<number | bigint>, Number);
  const others = [...tensors].filter(([other]) => other !== name);
  return {
    ids: Array.from({ length: rows }, (_, row) => flat.slice(row * length, (row + 1) * length)),
    ...(others.length > 0 && { feeds: Object.fromEntries(others) })
  };
};
