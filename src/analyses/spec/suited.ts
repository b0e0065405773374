import type { Figure } from '../../figures/figure';
import { random } from '../../maths/random';
import type { Subject } from '../../subject/subject';
import type { Analysis } from '../analysis';
import { count, list, object, optional, text, type Check } from '../check';
import { plainIds } from '../plain-ids';
import { chooseSet, type ChosenSet } from '../prompts/choose-set';
import { AUTO } from '../prompts/sets';
import { repeatedTokens } from '../repeated-tokens';
import { shortText } from '../short-text';
import { refusesIds, requireSeen } from './reads-ids';
import type { PromptSetRequest, Prompts, Spec, SpecFields } from './spec';

/** The set that a result's prompts were made of: `prompts` of these in a spec makes them again. */
export interface PromptChoice extends Required<PromptSetRequest> {
  /** Prompts that could be made; `n` were asked for. */
  readonly made: number;
  /** Why this set, and which of its words are tokens. */
  readonly note: string;
}

/** What was taken where a spec leaves it to the model in hand. */
export type Suited<R> = R & {
  /** Absent where the spec gives the prompts themselves. */
  readonly promptSet?: PromptChoice;
  /** In the place of the default text, where the model has no tokenizer. */
  readonly randomIds?: readonly number[];
};

const BLOCK = 12;

const FIELDS: Check<Suited<object>> = object<Suited<object>>({
  promptSet: optional(
    object<PromptChoice>({ set: text, counterfactual: text, n: count, seed: count, made: count, note: text })
  ),
  randomIds: optional(list(count, 2 * BLOCK))
});

/** A spec of which nothing is left open, and what is said of it. */
interface Settled<F extends SpecFields> {
  readonly spec: Spec<F>;
  readonly said: Suited<object>;
}

/**
 * The same analysis with a spec that suits the model before it runs: a set of prompts is made for its tokenizer, and the default text gives way to random ids
 * where there is none. The result, its first caption and its summary say what was taken and why.
 */
export function suited<F extends SpecFields, R>(definition: Analysis<F, R>): Analysis<F, Suited<R>> {
  const settle = (subject: Subject, spec: Spec<F>): Settled<F> => {
    requireSeen(definition, subject, spec);
    const chosen = chosenSet(definition, subject, spec);
    const ids = randomIds(definition, subject, spec);
    const auto = chosen && (spec.prompts as PromptSetRequest).set === AUTO;
    return {
      spec: { ...spec, ...(chosen && { prompts: chosen.request }), ...(ids && { text: undefined, ids }) },
      said: { ...(chosen && { promptSet: choiceOf(chosen, auto!) }), ...(ids && { randomIds: ids }) }
    };
  };
  return {
    ...definition,
    refuses: subject => definition.refuses(subject) ?? refusesIds(definition, subject),
    cost: (subject, spec) => definition.cost(subject, settle(subject, spec).spec),
    async compute(subject, given, context, seed) {
      const { spec, said } = settle(subject, given);
      const { partial } = context;
      const inner = {
        ...context,
        ...(partial && { partial: (result: unknown) => partial({ ...(result as R), ...said }) })
      };
      return { ...(await definition.compute(subject, spec, inner, seed)), ...said };
    },
    validateResult(value) {
      const result = definition.validateResult(value);
      const { promptSet, randomIds: ids } = FIELDS(value, 'result');
      return { ...result, ...(promptSet && { promptSet }), ...(ids && { randomIds: ids }) };
    },
    figures(result, spec) {
      const said = sentences(result);
      const [first, ...more] = definition.figures(result, spec);
      return first && said.length > 0 ? [captioned(first, said), ...more] : [...(first ? [first] : []), ...more];
    },
    summary: (result, spec) => [definition.summary(result, spec), ...sentences(result)].join('\n')
  };
}

const captioned = (figure: Figure, said: readonly string[]): Figure => ({
  ...figure,
  caption: [figure.caption, ...said].join(' ')
});

function chosenSet<F extends SpecFields>(
  { spec: fields, readsPrompts }: Analysis<F>,
  subject: Subject,
  spec: Spec<F>
): ChosenSet | undefined {
  if (fields.prompts?.type !== 'prompts' || readsPrompts?.(spec) === false) {
    return undefined;
  }
  const prompts = spec.prompts as Prompts;
  return 'set' in prompts ? chooseSet(subject, prompts) : undefined;
}

/** [a b c … a b c …], where the default text is not read. */
function randomIds<F extends SpecFields>(
  { spec: fields, title }: Analysis<F>,
  subject: Subject,
  spec: Spec<F>
): readonly number[] | undefined {
  const { text: words, ids } = fields;
  const known = words?.type === 'text' && ids?.type === 'ids' ? words.default : undefined;
  const untold = known !== undefined && spec.ids === undefined && spec.text === known;
  if (subject.tokens || !untold) {
    return undefined;
  }
  const length = Math.min(BLOCK, Math.floor((subject.maxPositions ?? Infinity) / 2));
  return repeatedTokens(random(0), plainIds(subject, title), 1, length)[0];
}

function sentences({ promptSet, randomIds: ids }: Suited<object>): string[] {
  return [
    ...(promptSet ? [promptSentence(promptSet)] : []),
    ...(ids
      ? [
          `Read: ${ids.length / 2} random tokens, repeated once, since the model has no tokenizer for a text: ids ${ids.join(', ')}.`
        ]
      : [])
  ];
}

const promptSentence = ({ set, counterfactual, n, seed, made, note }: PromptChoice): string =>
  `Prompts: ${made < n ? `${made} of ${n}` : made} of the set '${set}' (counterfactual '${counterfactual}', seed ${seed})${note ? `; ${note}` : ''}.`;

const LONGEST_NOTE = 360;

function choiceOf({ request, made, passed }: ChosenSet, auto: boolean): PromptChoice {
  // Each counterfactual counts its words.
  const kept = [...new Set(made.words.map(({ kind, kept: left, of }) => `${left} of ${of} ${kind}`))];
  const [first] = passed;
  const before = passed.map(({ set }) => `'${set}'`).join(', ');
  const parts = [
    ...(auto ? [first ? 'the first that suits the model' : 'the first of those that are tried'] : []),
    ...(first ? [`not ${before}: ${first.why.replace(/^prompt set empty: /, '')}`] : []),
    ...(kept.length > 0 ? [`single tokens are ${kept.join(', ')}`] : [])
  ];
  return { ...request, made: made.prompts.length, note: shortText(parts.join('; '), LONGEST_NOTE) };
}
