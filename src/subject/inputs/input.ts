import type { Tokens } from '../../tokens/tokens';
import type { Input, ModelFacts, TextOrIds } from '../subject';

type NamedModel = Pick<ModelFacts, 'label' | 'tokenizerFault'>;

export interface InputLimits {
  /** Ids are 0 … size − 1; undefined where the model's vocabulary is not known. */
  readonly vocabularySize?: number;
  /** Undefined where the file sets no limit. */
  readonly maxPositions?: number;
  /** Texts are continued by a decoder with an encoder: the id that it begins with, null where no configuration says. */
  readonly start?: number | null;
}

/** Ids and labels of `text` or `ids`, within the model's limits. `model` is named in errors. */
export const readInput = (
  input: TextOrIds,
  tokens: Tokens | undefined,
  limits: InputLimits,
  model: NamedModel
): Input => {
  const what = input.text === undefined ? 'ids' : 'text';
  const ids = input.text === undefined ? input.ids : idsOf(input.text, tokens, limits, model);
  checkLength(ids.length, what, limits.maxPositions);
  checkIds(ids, limits.vocabularySize);
  return {
    ids,
    labels: ids.map(id => tokens?.label(id) ?? String(id)),
    bos: tokens?.bosId !== undefined && ids[0] === tokens.bosId
  };
};

const idsOf = (
  text: string,
  tokens: Tokens | undefined,
  { start }: InputLimits,
  model: NamedModel
): readonly number[] => {
  if (text === '' && typeof start === 'number') {
    return [start];
  }
  if (tokens === undefined) {
    throw new Error(`no tokenizer: ${whyNone(model)}, so give ids instead of text`);
  }
  return start === undefined ? tokens.encode(text).ids : shifted(text, tokens, start, model.label);
};

const whyNone = ({ label, tokenizerFault: fault }: NamedModel): string =>
  fault === undefined
    ? `'${label}' has no tokenizer.json beside it`
    : `the tokenizer.json of '${label}' is not served (${fault})`;

/** As decoders are trained: the start in front, and the end of the text, which is still to come, left out. */
const shifted = (text: string, tokens: Tokens, start: number | null, model: string): readonly number[] => {
  if (start === null) {
    throw new Error(
      `decoder start unknown: '${model}' has no config.json with decoder_start_token_id beside it, so give the decoder's ids`
    );
  }
  const { ids } = tokens.encode(text);
  const own = ids.map(id => !tokens.specialIds.includes(id));
  return [start, ...ids.slice(0, own.lastIndexOf(true) + 1)];
};

const checkLength = (length: number, what: string, positions: number | undefined): void => {
  if (length === 0) {
    throw new Error(`${what} empty: no token to run`);
  }
  if (positions !== undefined && length > positions) {
    throw new Error(
      `${what} too long: ${what === 'text' ? 'text has' : 'there are'} ${length} ${what === 'text' ? 'tokens' : 'ids'}, the model has ${positions} positions`
    );
  }
};

/** Refuses what is not in the vocabulary. */
const checkIds = (ids: readonly number[], size: number | undefined): void => {
  const at = ids.findIndex(id => !Number.isInteger(id) || id < 0 || id >= (size ?? 2 ** 31));
  if (at >= 0) {
    throw new Error(
      `id out of vocabulary: ${ids[at]} at position ${at}${size === undefined ? '' : `, the model's ids are 0 to ${size - 1}`}`
    );
  }
};
