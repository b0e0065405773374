import type { Translate } from '../../src/ui/translate';

/** A bundle that leaves words as they are and fills in values. */
export const trans: Translate = {
  __: (text: string, ...values: unknown[]) =>
    values.reduce<string>((said, value, i) => said.replaceAll(`%${i + 1}`, String(value)), text),
  _n: (one: string, many: string, n: number, ...values: unknown[]) =>
    [n, ...values].reduce<string>((said, value, i) => said.replaceAll(`%${i + 1}`, String(value)), n === 1 ? one : many)
};
