import type { Anatomy } from '../../anatomy/anatomy';
import type { Translate } from '../translate';

/** What a model without a tokenizer is given: token ids, unless it reads something else alone. */
export function inputWords({ inputs }: Anatomy, trans: Translate): { readonly ids: boolean; readonly words: string } {
  const roles = new Set(inputs.map(({ role }) => role));
  if (roles.has('ids')) {
    return { ids: true, words: trans.__('inputs are token ids') };
  }
  return {
    ids: false,
    words: roles.has('pixels')
      ? trans.__('inputs are pixels')
      : roles.has('features')
        ? trans.__('inputs are features')
        : trans.__('inputs are vectors')
  };
}
