import { quote } from '../quote';
import { REQUESTED_SETS } from '../prompts/sets';
import { MAX_ANSWERS, MAX_ID, MAX_IDS, MAX_PROMPT_CHARACTERS, MAX_PROMPTS, MAX_SET_SEED } from './spec';

/** What is wrong with a hostile value of a field of prompts, with its place; undefined where nothing is. */
export function promptsFault(value: unknown, name: string): string | undefined {
  if (value !== null && typeof value === 'object' && Object.hasOwn(value, 'set')) {
    return setFault(value as Readonly<Record<string, unknown>>, name);
  }
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_PROMPTS) {
    const count = Array.isArray(value) ? `${value.length} of them` : quote(value);
    return `field '${name}' must be a list of 1 to ${MAX_PROMPTS} prompts or a set of them, got ${count}`;
  }
  return first(value, (prompt, at) =>
    fields(
      prompt,
      `${name}[${at}]`,
      { clean: wordsFault, corrupted: wordsFault, corrupted2: wordsFault, answer: answerFault },
      'clean'
    )
  );
}

/** A request for a set of prompts. */
function setFault(value: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const set = REQUESTED_SETS.find(({ id }) => id === value.set);
  if (!set) {
    return `field '${name}.set' must be one of ${REQUESTED_SETS.map(({ id }) => `'${id}'`).join(', ')}, got ${quote(value.set)}`;
  }
  const ways = Object.keys(set.counterfactuals);
  const oneOf: Fault = (given, at) =>
    ways.some(way => way === given)
      ? undefined
      : `field '${at}' must be one of ${ways.map(way => `'${way}'`).join(', ')} for the set '${set.id}', got ${quote(given)}`;
  const within =
    (least: number, most: number): Fault =>
    (given, at) =>
      Number.isInteger(given) && (given as number) >= least && (given as number) <= most
        ? undefined
        : `field '${at}' must be an integer from ${least} to ${most}, got ${quote(given)}`;
  const known = {
    set: () => undefined,
    ...(ways.length > 0 && { counterfactual: oneOf }),
    n: within(1, MAX_PROMPTS),
    seed: within(0, MAX_SET_SEED)
  };
  return fields(value, name, known, 'set');
}

type Fault = (value: unknown, at: string) => string | undefined;

const first = (
  values: readonly unknown[],
  of: (value: unknown, at: number) => string | undefined
): string | undefined => {
  for (const [at, value] of values.entries()) {
    const fault = of(value, at);
    if (fault !== undefined) {
      return fault;
    }
  }
  return undefined;
};

/** An object of these fields and no others; null stands for absent. */
const fields = (
  value: unknown,
  at: string,
  known: Readonly<Record<string, Fault>>,
  ...required: readonly string[]
): string | undefined => {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return `field '${at}' must be an object with '${required.join("' and '")}', got ${quote(value)}`;
  }
  const given = Object.entries(value).filter(([, part]) => part !== undefined && part !== null);
  const strange = given.find(([name]) => !Object.hasOwn(known, name));
  if (strange) {
    return `unknown field ${quote(strange[0])} of '${at}' (known: ${Object.keys(known).join(', ')})`;
  }
  const absent = required.find(wanted => !given.some(([name]) => name === wanted));
  return absent === undefined
    ? first(given, entry => {
        const [name, part] = entry as [string, unknown];
        return known[name](part, `${at}.${name}`);
      })
    : `field '${at}' needs '${absent}'`;
};

const wordsFault: Fault = (value, at) =>
  (typeof value === 'string' && value.length > 0 && value.length <= MAX_PROMPT_CHARACTERS) || isIds(value)
    ? undefined
    : `field '${at}' must be a text of 1 to ${MAX_PROMPT_CHARACTERS} characters or a list of token ids, got ${listed(value, isId)}`;

/** A list with what does not belong in it. */
const listed = (value: unknown, belongs: (element: unknown) => boolean): string => {
  const at = Array.isArray(value) ? value.findIndex(element => !belongs(element)) : -1;
  return at < 0 ? quote(value) : `${quote(value)} with ${quote((value as unknown[])[at])} at ${at}`;
};

const isIds = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.length <= MAX_IDS && value.every(isId);

const isId = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_ID;

const answerFault: Fault = (value, at) => {
  const weighted = ((value ?? {}) as { weights?: unknown }).weights ?? false;
  const known = { correct: tokensFault, wrong: tokensFault, weights: weightsFault };
  return fields(value, at, known, weighted ? 'weights' : 'correct');
};

const weightsFault: Fault = (value, at) =>
  Array.isArray(value) && value.length > 0 && value.length <= MAX_ANSWERS
    ? first(value, (entry, index) =>
        fields(entry, `${at}[${index}]`, { token: tokenFault, weight: weightFault }, 'token', 'weight')
      )
    : `field '${at}' must be a list of 1 to ${MAX_ANSWERS} tokens with their weights, got ${quote(value)}`;

const tokenFault: Fault = (value, at) =>
  isToken(value) ? undefined : `field '${at}' must be a token, as a text or an id, got ${quote(value)}`;

const weightFault: Fault = (value, at) =>
  typeof value === 'number' && Number.isFinite(value)
    ? undefined
    : `field '${at}' must be a number, got ${quote(value)}`;

const tokensFault: Fault = (value, at) =>
  Array.isArray(value) && value.length > 0 && value.length <= MAX_ANSWERS && value.every(isToken)
    ? undefined
    : `field '${at}' must be a list of 1 to ${MAX_ANSWERS} tokens, as texts or ids, got ${listed(value, isToken)}`;

const isToken = (value: unknown): boolean =>
  isId(value) || (typeof value === 'string' && value.length > 0 && value.length <= 200);
