/** Typed fields of a spec: JSON Schema, defaults, form, validation and the static type come from one place. */
export type Field = TextField | IdsField | IntegerField | NumberField | ChoiceField | IndicesField | FlagField;

interface FieldBase {
  readonly title: string;
  readonly description: string;
}

export interface TextField extends FieldBase {
  readonly type: 'text';
  readonly default: string | undefined;
  readonly maxLength: number;
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
          : never;

/** A validated spec: defaults filled in. */
export type Spec<F extends SpecFields> = { readonly [K in keyof F]: ValueOf<F[K]> };
