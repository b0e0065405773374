import type { Subject } from '../subject/subject';

/** Full name of a block's hook in the tower under study: 'attn.hook_pattern' → 'blocks.3.attn.hook_pattern'. */
export function blockHook(subject: Subject, layer: number, name: string): string {
  const prefix = subject.anatomy.towers.length > 1 ? `${subject.tower.name}.` : '';
  return `${prefix}blocks.${layer}.${name}`;
}

/** Why one of these hooks cannot be used, or undefined when all are verified. */
export function missingHook(subject: Subject, names: readonly string[]): string | undefined {
  const hooks = new Map(subject.anatomy.hooks.map(hook => [hook.name, hook]));
  for (const name of names) {
    const hook = hooks.get(name);
    if (!hook) {
      return `the hook '${name}' was not found in this graph`;
    }
    if (hook.status !== 'verified') {
      return `the hook '${name}' is ${hook.status}${hook.why ? `: ${hook.why}` : ''}`;
    }
  }
  return undefined;
}

/** Names of one hook in all blocks of the tower. */
export function allBlocks(subject: Subject, name: string): string[] {
  return Array.from({ length: subject.tower.layers }, (_, layer) => blockHook(subject, layer, name));
}

/** The chosen indices, or all; an error names field and range. */
export function select(field: string, chosen: readonly number[] | undefined, size: number): readonly number[] {
  const outside = chosen?.find(index => index >= size);
  if (outside !== undefined) {
    throw new Error(`field '${field}' names ${outside}, this model has ${field} 0 to ${size - 1}`);
  }
  return chosen ? [...chosen].sort((a, b) => a - b) : Array.from({ length: size }, (_, i) => i);
}
