import type { Cost, Input, Subject } from '../../subject/subject';
import { count, object } from '../check';
import { input, inputOf } from '../input';
import type { Spec } from '../spec/spec';
import type { INPUT } from '../spec/fields';
import { streamCost } from './stream';
import { drawSample, factsOf, sampleCost, type SAMPLE, type SampleFacts, type TokenSample } from './token-sample';

/** The parts of a profile over the tokens of one text, of which there must be two. `name` begins the refusal. */
export const ofOneText = (name: string) => ({
  read(subject: Subject, spec: Spec<typeof INPUT>): Input {
    const read = inputOf(subject, spec);
    if (read.ids.length < 2) {
      throw new Error(`${name}: needs at least 2 tokens, got ${read.ids.length}`);
    }
    return read;
  },
  cost: (subject: Subject, spec: Spec<typeof INPUT>): Cost => streamCost(subject, inputOf(subject, spec).ids),
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

/** The parts of a profile over a sample of at least so many points, tokens of several texts. */
export const ofSample = (name: string, least: number) => ({
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
