import type { Input, Subject } from '../subject/subject';
import type { Check } from './check';
import { agree, count, flag, list, object, text } from './check';

/** Ids and labels of the spec's `ids`, or else of its `text`. */
export function inputOf(subject: Subject, spec: { readonly text?: string; readonly ids?: readonly number[] }): Input {
  return spec.ids ? subject.input({ ids: spec.ids }) : subject.input({ text: spec.text ?? '' });
}

const FIELDS: Check<Input> = object<Input>({ ids: list(count), labels: list(text), bos: flag });

export const input: Check<Input> = (value, at) => {
  const checked = FIELDS(value, at);
  agree(`${at}.labels`, checked.ids.length, checked.labels.length);
  return checked;
};
