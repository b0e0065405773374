import { parseArgs } from 'node:util';

import { UsageError } from './usage-error';

interface Option {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  readonly default?: string;
  /** What stands for its value in the help; absent where it takes none. */
  readonly value?: string;
  readonly about: string;
}
export type Options = Readonly<Record<string, Option>>;

type Value<O extends Option> = O extends { readonly type: 'boolean' }
  ? boolean | undefined
  : O extends { readonly multiple: true }
    ? readonly string[] | undefined
    : O extends { readonly default: string }
      ? string
      : string | undefined;

export interface Arguments<O extends Options> {
  readonly values: { readonly [K in keyof O]: Value<O[K]> };
  readonly positionals: readonly string[];
}

/** `parseArgs` whose complaints are wrong usage, of an option that is given twice as well. Options of `lists` take all words up to the next option. */
export const readArguments = <const O extends Options>(
  args: readonly string[],
  options: O,
  lists: readonly string[] = []
): Arguments<O> => {
  try {
    const config = {
      args: spreadLists(args, lists),
      options,
      allowPositionals: true,
      strict: true,
      tokens: true
    } as const;
    const { tokens, ...read } = parseArgs(config);
    refuseTwice(
      tokens.flatMap(token => (token.kind === 'option' && !options[token.name].multiple ? [token.name] : []))
    );
    return read as unknown as Arguments<O>;
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError((error as Error).message.split(/[\n.]/, 1)[0]);
  }
};

const refuseTwice = (names: readonly string[]): void => {
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) {
    throw new UsageError(`--${twice} is given twice`);
  }
};

/** --hooks a b → --hooks a --hooks b. */
const spreadLists = (args: readonly string[], lists: readonly string[]): string[] => {
  const spread: string[] = [];
  let list: string | undefined;
  let fresh = false;
  for (const word of args) {
    if (word.startsWith('-')) {
      list = lists.includes(word) ? word : undefined;
      fresh = true;
    } else if (list !== undefined && !fresh) {
      spread.push(list);
    } else {
      fresh = false;
    }
    spread.push(word);
  }
  return spread;
};

/** The one positional argument; `what` names it. */
export const onlyPositional = (positionals: readonly string[], what: string): string => {
  if (positionals.length !== 1) {
    throw new UsageError(
      positionals.length === 0
        ? `${what} is missing`
        : `one ${what} is wanted, got ${positionals.map(word => `'${word}'`).join(', ')}`
    );
  }
  return positionals[0];
};
