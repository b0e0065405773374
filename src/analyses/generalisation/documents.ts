import type { Subject } from '../../subject/subject';
import { SAMPLE } from '../geometry/token-sample';
import { DECODER_TEXTS } from '../reading';
import { text, type Spec } from '../spec/spec';
import { towerTexts, type TowerTexts } from '../tower-texts';

/** Texts that are read whole. */
export const DOCUMENTS = {
  texts: text({
    title: 'Texts',
    read: true,
    description: 'One a line (ids with commas, without a tokenizer); each is a document of two tokens or more.',
    default: SAMPLE.texts.default,
    maxLength: 200000
  }),
  ...DECODER_TEXTS
};

/** Fewer tokens that follow another make no distribution. */
export const LEAST_TOKENS = 20;
/** Tokens that are read at most: each costs its share of a forward. */
const MOST_TOKENS = 32768;

/** Throws where there is none, where one is too short for a next token, and where all are too long. */
export function readDocuments(subject: Subject, spec: Spec<typeof DOCUMENTS>): TowerTexts {
  const given = towerTexts(subject, spec);
  const { texts } = given;
  const field = given.sources ? 'decoderTexts' : 'texts';
  const brief = texts.findIndex(({ ids }) => ids.length < 2);
  if (texts.length === 0 || brief >= 0) {
    throw new Error(
      texts.length === 0
        ? "texts missing: field 'texts' is empty, give one a line"
        : `text too short: line ${brief + 1} of '${field}' is ${texts[brief].ids.length} token, two are needed for a next one`
    );
  }
  const tokens = texts.reduce((sum, { ids }) => sum + ids.length, 0);
  if (tokens > MOST_TOKENS) {
    throw new Error(`texts too long: field '${field}' has ${tokens} tokens, at most ${MOST_TOKENS} are read`);
  }
  return given;
}
