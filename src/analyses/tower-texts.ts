import type { Input, Subject } from '../subject/subject';
import { isDecoder, isEncoderDecoder, towersOf } from './reading';
import { referenceTexts } from './reference-texts';

/** Texts that a tower reads; of a decoder what its encoder reads beside each. */
export interface TowerTexts {
  readonly texts: readonly Input[];
  readonly sources?: readonly Input[];
}

interface TextsSpec {
  readonly texts: string | undefined;
  readonly decoderTexts?: string | undefined;
}

/** Of a decoder the texts are those that it has written, its start token alone where none is given. Throws where they are not as many as its encoder's. */
export function towerTexts(subject: Subject, { texts, decoderTexts }: TextsSpec): TowerTexts {
  const { facts, tower, reading } = subject;
  const given = decoderTexts !== undefined && decoderTexts.trim() !== '';
  if (!isDecoder(subject) || !reading) {
    if (given && !isEncoderDecoder(subject)) {
      throw new Error(`field 'decoderTexts' is for encoder–decoders, '${facts.label}' is none`);
    }
    return { texts: referenceTexts(subject, 'texts', texts) };
  }
  const [encoder] = towersOf(subject);
  const sources = referenceTexts(reading({ tower: encoder.name, other: { ids: [0] } }), 'texts', texts);
  const start = (): Input => subject.input({ text: '' });
  const written = given ? referenceTexts(subject, 'decoderTexts', decoderTexts) : sources.map(start);
  if (written.length !== sources.length) {
    throw new Error(
      `field 'decoderTexts' has ${written.length} texts for the ${tower.name}, field 'texts' ${sources.length} for the ${encoder.name}: one for each`
    );
  }
  return { texts: written, sources };
}

/** The subject that reads text number `row`: a decoder beside what its encoder reads. */
export function besideSource(subject: Subject, { sources }: TowerTexts, row: number): Subject {
  return sources && subject.reading
    ? subject.reading({ tower: subject.tower.name, other: { ids: sources[row].ids } })
    : subject;
}
