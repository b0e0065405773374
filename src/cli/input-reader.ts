import { readSafetensors } from '../onnx/safetensors';
import type { Tensor } from '../onnx/tensor';
import type { ForwardRequest, Subject, TextOrIds } from '../subject/subject';
import { requestOfTensors } from './cache-request';
import { readWhole } from './files';
import { UsageError } from './usage-error';

/** What is run, and on which tower's ids. */
export type ReadRequest = Pick<ForwardRequest, 'ids' | 'feeds'> & { readonly subject: Subject };

const MOST_INPUT_BYTES = 2 ** 30;

/** Options of an input's; the decoder's are those of an encoder–decoder. */
export interface InputOptions {
  readonly text?: string;
  readonly ids?: string;
  readonly inputs?: string;
  readonly 'decoder-text'?: string;
  readonly 'decoder-ids'?: string;
}

export interface InputReader {
  /** Of tensors that are given. */
  readonly dims?: ReadonlyMap<string, readonly number[]>;
  request(subject: Subject): ReadRequest;
}

/**
 * One of the three ways to give an input, or a text or ids beside tensors for a model that reads both; a file of tensors is read at once. Rows are the encoder's of an encoder–decoder, with
 * what its decoder reads beside them.
 */
export const inputReader = async (options: InputOptions): Promise<InputReader> => {
  const { text, ids, inputs } = options;
  const given = [text, ids, inputs].filter(value => value !== undefined).length;
  const beside = given === 2 && inputs !== undefined;
  if (given !== 1 && !beside) {
    throw new UsageError(`one of --text, --ids and --inputs is wanted, got ${given === 0 ? 'none' : given}`);
  }
  const decoder = decoderInput(options);
  if (inputs !== undefined) {
    const tensors = readSafetensors(await readWhole(inputs, MOST_INPUT_BYTES), inputs);
    return {
      dims: new Map([...tensors].map(([name, tensor]) => [name, tensor.dims])),
      request: subject =>
        beside
          ? textBeside(subject, inputOf(text, ids)!, tensors)
          : requestOfTensors(besideDecoder(subject, decoder), tensors, inputs)
    };
  }
  const input = inputOf(text, ids)!;
  return { request: subject => ({ subject: besideDecoder(subject, decoder), ids: [subject.input(input).ids] }) };
};

/** A text's ids, and tensors for the tower beside it. */
const textBeside = (subject: Subject, given: TextOrIds, tensors: ReadonlyMap<string, Tensor>): ReadRequest => {
  const { anatomy, tower, facts } = subject;
  if (!tower.embedding || !anatomy.towers.some(({ content }) => content)) {
    throw new UsageError(
      `one of --text, --ids and --inputs is wanted, got 2: '${facts.label}' does not read numbers beside a text`
    );
  }
  return { subject, ids: [subject.input(given).ids], feeds: Object.fromEntries(tensors) };
};

/** As `inputReader`, but rows are the decoder's of an encoder–decoder: what it goes on from. */
export const promptReader = async (options: InputOptions): Promise<InputReader> => {
  const reader = await inputReader(options);
  const decoder = decoderInput(options) ?? { text: '' };
  const source = inputOf(options.text, options.ids);
  return {
    request: subject => {
      const continued = source && subject.reading?.({ tower: decoderName(subject), other: source });
      return continued ? { subject: continued, ids: [continued.input(decoder).ids] } : reader.request(subject);
    }
  };
};

export const inputOf = (text: string | undefined, ids: string | undefined, option?: string): TextOrIds | undefined =>
  text !== undefined ? { text } : ids !== undefined ? { ids: idList(ids, option) } : undefined;

const decoderInput = (options: InputOptions): TextOrIds | undefined => {
  const { 'decoder-text': text, 'decoder-ids': ids } = options;
  if (text !== undefined && ids !== undefined) {
    throw new UsageError('one of --decoder-text and --decoder-ids is wanted at most, got both');
  }
  return inputOf(text, ids, '--decoder-ids');
};

const besideDecoder = (subject: Subject, decoder: TextOrIds | undefined): Subject => {
  if (decoder === undefined) {
    return subject;
  }
  if (subject.reading === undefined) {
    throw new Error(`decoder input refused: '${subject.facts.label}' has no encoder besides a decoder`);
  }
  return subject.reading({ tower: subject.tower.name, other: decoder });
};

const decoderName = ({ anatomy, tower }: Subject): string =>
  anatomy.towers.find(({ name }) => name !== tower.name)?.name ?? tower.name;

export const idList = (list: string, option = '--ids'): readonly number[] => {
  const words = list.split(',').map(word => word.trim());
  const wrong = words.find(word => !/^\d{1,10}$/.test(word));
  if (wrong !== undefined) {
    throw new UsageError(`${option} holds '${wrong}', wanted whole numbers with commas between`);
  }
  return words.map(Number);
};
