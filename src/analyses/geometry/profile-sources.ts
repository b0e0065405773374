import type { Cost, Input, Subject } from '../../subject/subject';
import { count, object } from '../check';
import { input } from '../input';
import { decoderOf, isDecoder, ownInput, READING, readingOf, towerNamed } from '../reading';
import type { Spec } from '../spec/spec';
import { INPUT } from '../spec/fields';
import { streamCost } from './stream';
import { drawSample, factsOf, sampleCost, type SAMPLE, type SampleFacts, type TokenSample } from './token-sample';

/** One text, of encoder–decoders one for each tower. */
export const ONE_TEXT = { ...INPUT, ...READING };

type OneText = Spec<typeof ONE_TEXT>;

/** The parts of a profile over the tokens of one text, of which there must be two. `name` begins the refusal. */
export const ofOneText = (name: string) => ({
  view: (opened: Subject, spec: OneText): Subject => readingOf(opened, spec, spec.tower).subject,
  read(subject: Subject, spec: OneText): Input {
    const read = ownInput(subject, spec);
    if (read.ids.length < 2) {
      const field = isDecoder(subject) ? " (field 'decoderText')" : '';
      throw new Error(`${name}: needs at least 2 tokens, got ${read.ids.length}${field}`);
    }
    return read;
  },
  cost: (subject: Subject, spec: OneText): Cost => streamCost(subject, ownInput(subject, spec).ids),
  keeps: (read: Input): { readonly input: Input } => ({ input: read }),
  checks: { input }
});

/** Samples are meant to be independent, and more than there are dimensions. */
export const sampleStrains = (
  { tower: { dModel } }: Subject,
  { sample: { texts, points } }: { readonly sample: SampleFacts }
): string[] => [
  ...(points > texts ? [`${points} points of ${texts} texts are not independent`] : []),
  ...(points <= dModel ? [`${points} points in ${dModel} dimensions`] : [])
];

/** The tower that a sample is of. */
export const sampleView = (opened: Subject, { tower }: Pick<Spec<typeof SAMPLE>, 'tower'>): Subject =>
  tower === 'decoder' ? decoderOf(opened) : towerNamed(opened, tower);

/** The parts of a profile over a sample of at least so many points, tokens of several texts. */
export const ofSample = (name: string, least: number) => ({
  view: sampleView,
  read(subject: Subject, spec: Spec<typeof SAMPLE>, seed: number): TokenSample {
    const sample = drawSample(subject, spec, seed);
    if (sample.points < least) {
      throw new Error(`${name}: needs at least ${least} points, got ${sample.points}`);
    }
    return sample;
  },
  cost: (subject: Subject, spec: Spec<typeof SAMPLE>): Cost => sampleCost(subject, spec),
  keeps: (read: TokenSample): { readonly sample: SampleFacts } => ({ sample: factsOf(read) }),
  strains: sampleStrains,
  checks: { sample: object<SampleFacts>({ texts: count, points: count, tokens: count }) }
});
