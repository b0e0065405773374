/** Typed fields of a spec: JSON Schema, defaults, form, validation and the static type come from one place. */
export type Field =
  TextField | IdsField | IntegerField | NumberField | ChoiceField | IndicesField | FlagField | PromptsField;

interface FieldBase {
  readonly title: string;
  readonly description: string;
  /** The models that have a use for it: those that read numbers instead of ids, or those of several towers. Absent = all. */
  readonly only?: 'numbers' | 'towers';
}

export interface TextField extends FieldBase {
  readonly type: 'text';
  readonly default: string | undefined;
  readonly maxLength: number;
  /** A table; Python then takes frames and files. */
  readonly media?: 'text/csv';
  /** The model reads it: the form shows its tokens. */
  readonly read?: true;
}

/** Token ids. */
export interface IdsField extends FieldBase {
  readonly type: 'ids';
  readonly default: undefined;
}

export interface IntegerField extends FieldBase {
  readonly type: 'integer';
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
}

export interface NumberField extends FieldBase {
  readonly type: 'number';
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
}

export interface ChoiceField<O extends string = string> extends FieldBase {
  readonly type: 'choice';
  readonly options: readonly O[];
  readonly default: O;
}

/** Layers, heads or positions; absent = all. */
export interface IndicesField extends FieldBase {
  readonly type: 'indices';
  readonly default: undefined;
}

export interface FlagField extends FieldBase {
  readonly type: 'flag';
  readonly default: boolean;
}

/** A text, or its token ids. */
export type PromptText = string | readonly number[];

/** One prompt of a comparison. Tokens of the answer as texts of one token each, or as ids. */
export interface Prompt {
  readonly clean: PromptText;
  /** The same length in tokens. */
  readonly corrupted?: PromptText;
  /** A second corrupted version, which changes something else. */
  readonly corrupted2?: PromptText;
  readonly answer?: {
    readonly correct?: readonly (string | number)[];
    readonly wrong?: readonly (string | number)[];
    /** Any linear combination of logits: tokens with their weights. */
    readonly weights?: readonly { readonly token: string | number; readonly weight: number }[];
  };
}

/** Prompts that are made for the model's tokenizer. */
export interface PromptSetRequest {
  /** 'auto': the first set that the tokenizer can say. */
  readonly set: string;
  /** How the corrupted versions differ; absent: the set's first. */
  readonly counterfactual?: string;
  /** Absent: 8. */
  readonly n?: number;
  /** Absent: 0. */
  readonly seed?: number;
}

export type Prompts = readonly Prompt[] | PromptSetRequest;

export interface PromptsField extends FieldBase {
  readonly type: 'prompts';
  readonly default: Prompts;
}

export type SpecFields = Readonly<Record<string, Field>>;

type ValueOf<T extends Field> = T extends TextField
  ? string | undefined
  : T extends IdsField | IndicesField
    ? readonly number[] | undefined
    : T extends IntegerField | NumberField
      ? number
      : T extends ChoiceField<infer O>
        ? O
        : T extends FlagField
          ? boolean
          : T extends PromptsField
            ? Prompts
            : never;

/** A validated spec: defaults filled in. */
export type Spec<F extends SpecFields> = { readonly [K in keyof F]: ValueOf<F[K]> };

/** Most entries of a list of ids, and the largest id. */
export const MAX_IDS = 8192;
export const MAX_ID = 2 ** 31 - 1;
/** Most entries of a list of indices, and the largest index. */
export const MAX_INDICES = 4096;
export const MAX_INDEX = 65535;
/** Most prompts, characters of one, and tokens on a side of an answer. */
export const MAX_PROMPTS = 256;
export const MAX_PROMPT_CHARACTERS = 20000;
export const MAX_ANSWERS = 64;
/** Of a set of prompts. */
export const MAX_SET_SEED = 2 ** 32 - 1;

type Words = FieldBase;

export const text = (
  words: Words & { readonly default?: string } & Pick<TextField, 'maxLength' | 'media' | 'read'>
): TextField => ({
  type: 'text',
  default: undefined,
  ...words
});

export const ids = (words: Words): IdsField => ({ type: 'ids', default: undefined, ...words });

export const integer = (words: Words & Omit<IntegerField, 'type'>): IntegerField => ({ type: 'integer', ...words });

export const number = (words: Words & Omit<NumberField, 'type'>): NumberField => ({ type: 'number', ...words });

export const choice = <const O extends string>(words: Words & Omit<ChoiceField<O>, 'type'>): ChoiceField<O> => ({
  type: 'choice',
  ...words
});

export const indices = (words: Words): IndicesField => ({ type: 'indices', default: undefined, ...words });

export const flag = (words: Words & { readonly default: boolean }): FlagField => ({ type: 'flag', ...words });

export const prompts = (words: Words & { readonly default: Prompts }): PromptsField => ({
  type: 'prompts',
  ...words
});
