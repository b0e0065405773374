import type { Tower } from '../anatomy/anatomy';
import type { Input, Subject, TextOrIds } from '../subject/subject';
import { inputOf } from './input';
import { choice, ids, text } from './spec/spec';

/** Which tower of a model of several is meant. */
export const TOWERS = ['encoder', 'decoder', 'text', 'vision'] as const;

export const DECODER_INPUT = {
  decoderText: text({
    title: 'Decoder text',
    read: true,
    only: 'towers',
    description:
      'Of encoder–decoders: what the decoder has written so far, behind its start token; the text above is what the encoder reads. Other models have none.',
    maxLength: 20000
  }),
  decoderIds: ids({
    title: 'Decoder ids',
    only: 'towers',
    description: 'The decoder’s token ids instead of a text, its start token included.'
  })
};

export const ENCODER_INPUT = {
  encoderText: text({
    title: 'Encoder text',
    only: 'towers',
    description:
      'Of encoder–decoders: what the encoder reads; the prompts are what the decoder has written so far, behind its start token. Other models have none.',
    maxLength: 20000
  }),
  encoderIds: ids({
    title: 'Encoder ids',
    only: 'towers',
    description: 'The encoder’s token ids instead of a text.'
  })
};

/** The tower that an analysis is of. */
export const TOWER = {
  tower: choice({
    title: 'Tower',
    only: 'towers',
    description:
      'Which one is meant: encoder or decoder of encoder–decoders; text or vision of models that read both, where encoder stands for the one that something is given for. Other models have one tower.',
    options: TOWERS,
    default: 'encoder'
  })
};

export const READING = { ...TOWER, ...DECODER_INPUT };

/** Beside texts, one a line. */
export const DECODER_TEXTS = {
  decoderTexts: text({
    title: 'Decoder texts',
    read: true,
    only: 'towers',
    description:
      'Of encoder–decoders: what the decoder has written, one a line for each of the texts above, which the encoder reads; absent = its start token alone. Other models have none.',
    maxLength: 200000
  })
};

export interface ReadingSpec {
  readonly text?: string;
  readonly ids?: readonly number[];
  readonly decoderText?: string;
  readonly decoderIds?: readonly number[];
}

/** What the encoder reads and what the decoder does; an empty text is the start token alone. */
export function sequencesOf(spec: ReadingSpec): { readonly source: TextOrIds; readonly written: TextOrIds } {
  const { text: source, ids: sourceIds, decoderText, decoderIds } = spec;
  if (decoderText && decoderIds) {
    throw new Error("fields 'decoderText' and 'decoderIds' are both given: one of them is wanted");
  }
  return {
    source: sourceIds ? { ids: sourceIds } : { text: source ?? '' },
    written: decoderIds ? { ids: decoderIds } : { text: decoderText ?? '' }
  };
}

/** A model with its input read by one tower. */
export interface Reading {
  readonly subject: Subject;
  readonly read: Input;
}

/** The decoder reads the encoder's states. */
export const isEncoderDecoder = ({ reading, anatomy }: Subject): boolean =>
  reading !== undefined && anatomy.towers.some(({ states }) => states !== undefined);

/** The tower named, of models whose towers read apart; as the subject is where none is. */
export function towerNamed(subject: Subject, wanted: string | undefined): Subject {
  const { anatomy, facts, tower, reading } = subject;
  const names = anatomy.towers.map(({ name }) => name);
  const general = wanted === undefined || (isEncoderDecoder(subject) ? wanted === 'cross' : wanted === 'encoder');
  if (reading === undefined || general || wanted === tower.name) {
    return subject;
  }
  if (!names.includes(wanted)) {
    throw new Error(
      `tower unknown: '${wanted}' is not a tower of '${facts.label}' (towers: ${names.map(name => `'${name}'`).join(', ')})`
    );
  }
  return isEncoderDecoder(subject) ? subject : reading({ tower: wanted });
}

/** For a result: of towers that read apart the one that did. */
export function towerMeant(subject: Subject, wanted: (typeof TOWERS)[number]): (typeof TOWERS)[number] {
  return isEncoderDecoder(subject) ? wanted : (TOWERS.find(name => name === subject.tower.name) ?? wanted);
}

/** For a result: the tower of a subject that has several; nothing of others. */
export function towerRead({ reading, tower }: Subject): { readonly tower?: (typeof TOWERS)[number] } {
  const name = reading && TOWERS.find(one => one === tower.name);
  return name ? { tower: name } : {};
}

/** Of an encoder–decoder the tower named; of other models what they are. Throws for a decoder's text where there is no decoder beside an encoder. */
export function readingOf(subject: Subject, spec: ReadingSpec, wanted: (typeof TOWERS)[number]): Reading {
  const said = spec.decoderText ? 'decoderText' : spec.decoderIds ? 'decoderIds' : undefined;
  if (!isEncoderDecoder(subject) || !subject.reading) {
    if (said) {
      throw new Error(`field '${said}' is for encoder–decoders, '${subject.facts.label}' is none`);
    }
    return { subject, read: inputOf(subject, spec) };
  }
  const [encoder, decoder] = towersOf(subject);
  const { source, written } = sequencesOf(spec);
  const [tower, own, other] = wanted === 'encoder' ? [encoder, source, written] : [decoder, written, source];
  // What the decoder reads does not change the encoder: it needs no start token where nothing is said.
  const view = wanted === 'encoder' && !said ? subject : subject.reading({ tower: tower.name, other });
  return { subject: view, read: view.input(own) };
}

/** What a tower that `readingOf` gave reads of the same spec. */
export function ownInput(subject: Subject, spec: ReadingSpec): Input {
  if (!isEncoderDecoder(subject)) {
    return inputOf(subject, spec);
  }
  const { source, written } = sequencesOf(spec);
  return subject.input(isDecoder(subject) ? written : source);
}

/** The rows are those of an encoder–decoder's decoder. */
export const isDecoder = (subject: Subject): boolean =>
  isEncoderDecoder(subject) && subject.tower.name === towersOf(subject)[1].name;

/** Why none of an encoder–decoder's two towers serves, or why another model does not. */
export function refusesTowers(subject: Subject, refuses: (subject: Subject) => string | undefined): string | undefined {
  const why = refuses(subject);
  return why !== undefined && isEncoderDecoder(subject) && refuses(decoderOf(subject)) === undefined ? undefined : why;
}

interface EncoderSpec {
  readonly encoderText?: string;
  readonly encoderIds?: readonly number[];
}

/** Of an encoder–decoder the decoder, whose rows the prompts are; other models as they are. Throws where the encoder has nothing to read, or is none. */
export function writingOf(subject: Subject, { encoderText, encoderIds }: EncoderSpec): Subject {
  const said = encoderText ? 'encoderText' : encoderIds ? 'encoderIds' : undefined;
  const { facts, reading } = subject;
  if (!isEncoderDecoder(subject) || !reading) {
    if (said) {
      throw new Error(`field '${said}' is for encoder–decoders, '${facts.label}' is none`);
    }
    return subject;
  }
  if (encoderText && encoderIds) {
    throw new Error("fields 'encoderText' and 'encoderIds' are both given: one of them is wanted");
  }
  if (!said) {
    throw new Error(
      `encoder without input: '${facts.label}' is an encoder–decoder, so give 'encoderText' or 'encoderIds' for what its encoder reads`
    );
  }
  const [, decoder] = towersOf(subject);
  return reading({ tower: decoder.name, other: encoderIds ? { ids: encoderIds } : { text: encoderText! } });
}

/** The model as its decoder is seen, whatever the encoder reads: for what depends on no text. */
export function decoderOf(subject: Subject): Subject {
  const [, decoder] = subject.reading ? towersOf(subject) : [];
  return isEncoderDecoder(subject) && subject.reading && decoder
    ? subject.reading({ tower: decoder.name, other: { ids: [0] } })
    : subject;
}

/** The tower named, for what depends on no input. */
export function towerAlone(subject: Subject, wanted: (typeof TOWERS)[number]): Subject {
  const named = towerNamed(subject, wanted);
  return wanted === 'decoder' ? decoderOf(named) : named;
}

/** The encoder, and the decoder that reads its states. */
export function towersOf({ anatomy }: Subject): readonly [Tower, Tower] {
  const [encoder, decoder] = anatomy.towers;
  return [encoder, decoder];
}
