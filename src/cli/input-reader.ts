import { readSafetensors } from '../onnx/safetensors';
import type { ForwardRequest, Subject } from '../subject/subject';
import { requestOfTensors } from './cache-request';
import { readWhole } from './files';
import { UsageError } from './usage-error';

type RequestInput = Pick<ForwardRequest, 'ids' | 'feeds'>;

const MOST_INPUT_BYTES = 2 ** 30;

/** Exactly one of the three ways to give an input. */
export const inputReader = ({
  text,
  ids,
  inputs
}: {
  readonly text?: string;
  readonly ids?: string;
  readonly inputs?: string;
}): ((subject: Subject) => Promise<RequestInput>) => {
  const given = [text, ids, inputs].filter(value => value !== undefined).length;
  if (given !== 1) {
    throw new UsageError(`one of --text, --ids and --inputs is wanted, got ${given === 0 ? 'none' : given}`);
  }
  if (inputs !== undefined) {
    return async subject =>
      requestOfTensors(subject, readSafetensors(await readWhole(inputs, MOST_INPUT_BYTES), inputs), inputs);
  }
  const input = text === undefined ? { ids: idList(ids ?? '') } : { text };
  return async subject => ({ ids: [subject.input(input).ids] });
};

export const idList = (list: string, option = '--ids'): readonly number[] => {
  const words = list.split(',').map(word => word.trim());
  const wrong = words.find(word => !/^\d{1,10}$/.test(word));
  if (wrong !== undefined) {
    throw new UsageError(`${option} holds '${wrong}', wanted whole numbers with commas between`);
  }
  return words.map(Number);
};
