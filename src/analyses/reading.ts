import type { Tower } from '../anatomy/anatomy';
import type { Input, Subject, TextOrIds } from '../subject/subject';
import { inputOf } from './input';
import { choice, ids, text } from './spec/spec';

/** Which tower of an encoder–decoder is meant, and what its decoder has written. */
export const TOWERS = ['encoder', 'decoder'] as const;

export const DECODER_INPUT = {
  decoderText: text({
    title: 'Decoder text',
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

export const READING = {
  tower: choice({
    title: 'Tower',
    only: 'towers',
    description: 'Of encoder–decoders: whose attention. Other models have one tower.',
    options: TOWERS,
    default: 'encoder'
  }),
  ...DECODER_INPUT
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

/** Of an encoder–decoder the tower named; of other models what they are. Throws for a decoder's text where there is no decoder beside an encoder. */
export function readingOf(subject: Subject, spec: ReadingSpec, wanted: (typeof TOWERS)[number]): Reading {
  const said = spec.decoderText ? 'decoderText' : spec.decoderIds ? 'decoderIds' : undefined;
  if (!subject.reading) {
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

/** The model as its decoder is seen, whatever the encoder reads: for what depends on no text. */
export function decoderOf(subject: Subject): Subject {
  const [, decoder] = subject.reading ? towersOf(subject) : [];
  return subject.reading && decoder ? subject.reading({ tower: decoder.name, other: { ids: [0] } }) : subject;
}

/** The encoder, and the decoder that reads its states. */
export function towersOf({ anatomy }: Subject): readonly [Tower, Tower] {
  const [encoder, decoder] = anatomy.towers;
  return [encoder, decoder];
}
