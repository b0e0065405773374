import type { Anatomy } from './anatomy';

/** TransformerLens 3's canonical names → the classic ones; the second column may depend on whether the MLP is gated. */
const ALIASES: readonly (readonly [RegExp, string])[] = [
  [/^embed\.hook_out$/, 'hook_embed'],
  [/^pos_embed\.hook_out$/, 'hook_pos_embed'],
  [/^(blocks\.[^.]+\.)hook_in$/, '$1hook_resid_pre'],
  [/^(blocks\.[^.]+\.)hook_out$/, '$1hook_resid_post'],
  [/^(blocks\.[^.]+\.attn\.)([qkv])\.hook_out$/, '$1hook_$2'],
  [/^(blocks\.[^.]+\.)attn(?:\.o)?\.hook_out$/, '$1hook_attn_out'],
  [/^(blocks\.[^.]+\.)mlp(?:\.out)?\.hook_out$/, '$1hook_mlp_out'],
  [/^(blocks\.[^.]+\.mlp\.)gate\.hook_out$/, '$1hook_pre'],
  [/^(blocks\.[^.]+\.mlp\.)out\.hook_in$/, '$1hook_post']
];
const GATED_IN = /^(blocks\.[^.]+\.mlp\.)in\.hook_out$/;

/**
 * Hook names in full, in the anatomy's order, for names, aliases and globs ('blocks.*.attn.hook_pattern'; `*` stands for
 * anything but a dot). Throws for a pattern that matches no hook.
 */
export const resolveHooks = (anatomy: Anatomy, patterns: readonly string[]): readonly string[] => {
  const wanted = new Set(patterns.flatMap(pattern => matching(anatomy, pattern)));
  return anatomy.hooks.filter(({ name }) => wanted.has(name)).map(({ name }) => name);
};

const matching = (anatomy: Anatomy, pattern: string): readonly string[] => {
  const gated = anatomy.towers.some(({ mlp }) => mlp === 'gated');
  const rows = [...ALIASES, [GATED_IN, gated ? '$1hook_pre_linear' : '$1hook_pre'] as const];
  const [prefix, rest] = split(anatomy, pattern);
  const classic = rows.reduce((name, [alias, to]) => name.replace(alias, to), rest);
  const parts = (prefix + classic).split('.');
  const found = anatomy.hooks.filter(({ name }) => matches(name.split('.'), parts)).map(({ name }) => name);
  if (found.length === 0) {
    throw new Error(`hook unknown: no hook of the model is called '${pattern}'`);
  }
  return found;
};

/** The tower's name with its dot, and the name within the tower. */
const split = ({ towers }: Anatomy, pattern: string): readonly [string, string] => {
  const tower = towers.length > 1 ? towers.find(({ name }) => pattern.startsWith(`${name}.`)) : undefined;
  return tower ? [`${tower.name}.`, pattern.slice(tower.name.length + 1)] : ['', pattern];
};

const matches = (names: readonly string[], globs: readonly string[]): boolean =>
  names.length === globs.length && names.every((name, i) => matchesPart(name, globs[i]));

/** Each piece between stars at its first place behind the last one: no backtracking, whatever the pattern. */
const matchesPart = (name: string, glob: string): boolean => {
  const [first, ...rest] = glob.split('*');
  const last = rest.pop();
  if (last === undefined) {
    return name === glob;
  }
  let at = name.startsWith(first) ? first.length : -1;
  for (const piece of rest) {
    const found = at < 0 ? -1 : name.indexOf(piece, at);
    at = found < 0 ? -1 : found + piece.length;
  }
  return at >= 0 && name.length - last.length >= at && name.endsWith(last);
};
