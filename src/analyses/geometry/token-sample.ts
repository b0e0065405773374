import { matrix, type Matrix } from '../../maths/matrix';
import type { Context } from '../../subject/context';
import type { Cost, Subject } from '../../subject/subject';
import { DECODER_TEXTS, TOWER } from '../reading';
import { besideSource, towerTexts, type TowerTexts } from '../tower-texts';
import { choice, integer, text, type Spec } from '../spec/spec';
import { shuffledOrder } from './disjoint-parts';
import { streamCost, streamHooks, visitStream } from './stream';

const DEFAULT_TEXTS = [
  'The old captain sailed the ship across the cold sea and came home in the spring.',
  'In the spring the river rises, and the people of the town carry their boats to the hill.',
  'Congress passed the act in March, and the President of the United States signed it.',
  'She opened the window, looked at the sea for a long time, and wrote a letter to her brother.',
  'Her brother read the letter twice and gave it to the old doctor of the town.',
  'There are seven kinds of whales, said the sailor, and every one of them is feared.',
  'The price of corn has doubled since the war, while the wages of labor are the same.',
  'A dog ran through the market, and the children ran after it with great joy.',
  'Light travels faster than sound, so we see the storm before we hear it.',
  'If the question is put to a vote of the people, the answer will surprise the States.',
  'He counted one, two, three, four ships in the harbor before the night came.',
  'Music filled the house until the last guest had gone and the lamps were dark.'
].join('\n');

/** Texts whose tokens are points of the stream. */
export const SAMPLE = {
  texts: text({
    title: 'Texts',
    read: true,
    description: 'One a line (ids with commas, without a tokenizer).',
    default: DEFAULT_TEXTS,
    maxLength: 200000
  }),
  tokens: choice({
    title: 'Tokens',
    description:
      'All tokens of a text, all but the first one (which a causal model often loads with massive activations), or the last one alone.',
    options: ['all', 'but-first', 'last'],
    default: 'all'
  }),
  ...TOWER,
  ...DECODER_TEXTS,
  most: integer({
    title: 'Most points',
    description: 'Where there are more tokens, so many are drawn at random.',
    default: 1000,
    minimum: 4,
    maximum: 4000
  })
};

type SampleSpec = Spec<typeof SAMPLE>;

/** Tokens that are read at most: each costs its share of a forward. */
const MOST_TOKENS = 32768;
/** Largest sample held at once, in bytes of float32. */
const MOST_BYTES = 2 ** 30;

/** Points by text, in order. */
export interface TokenSample extends TowerTexts {
  /** Of each text the positions drawn, in order. */
  readonly positions: readonly (readonly number[])[];
  readonly points: number;
  /** Tokens that could have been drawn. */
  readonly tokens: number;
}

/** What was drawn, in a result. */
export interface SampleFacts {
  readonly texts: number;
  readonly points: number;
  readonly tokens: number;
}

export const factsOf = ({ texts, points, tokens }: TokenSample): SampleFacts => ({
  texts: texts.length,
  points,
  tokens
});

export const factsText = ({ texts, points, tokens }: SampleFacts): string =>
  `${points} tokens of ${texts} texts${points < tokens ? `, drawn from ${tokens}` : ''}`;

/** Draws without replacement; the same seed draws the same tokens. Throws where the sample would be too large to hold. */
export function drawSample(subject: Subject, spec: SampleSpec, seed: number): TokenSample {
  const given = towerTexts(subject, spec);
  const { texts } = given;
  const read = texts.reduce((sum, { ids }) => sum + ids.length, 0);
  if (read > MOST_TOKENS) {
    throw new Error(`sample too large: field 'texts' has ${read} tokens, at most ${MOST_TOKENS} are read`);
  }
  const all = texts.flatMap(({ ids }, row) => eligible(ids.length, spec.tokens).map(position => ({ row, position })));
  const drawn =
    all.length > spec.most
      ? shuffledOrder(all.length, seed)
          .slice(0, spec.most)
          .map(at => all[at])
      : all;
  const positions = texts.map(() => [] as number[]);
  drawn.forEach(({ row, position }) => positions[row].push(position));
  positions.forEach(row => row.sort((a, b) => a - b));
  const bytes = drawn.length * subject.tower.dModel * (subject.tower.layers + 1) * 4;
  if (bytes > MOST_BYTES) {
    throw new Error(
      `sample too large: ${drawn.length} points of ${subject.tower.layers + 1} places take ${bytes} bytes, at most ${MOST_BYTES} are held (field 'most')`
    );
  }
  return { ...given, positions, points: drawn.length, tokens: all.length };
}

function eligible(length: number, tokens: SampleSpec['tokens']): number[] {
  const all = Array.from({ length }, (_, position) => position);
  return tokens === 'last' ? all.slice(-1) : tokens === 'but-first' ? all.slice(1) : all;
}

export const sampleCost = (subject: Subject, spec: SampleSpec): Cost => {
  const { texts } = drawSample(subject, spec, 0);
  const costs = texts.map(({ ids }) => streamCost(subject, ids));
  return {
    forwards: costs.reduce((sum, { forwards }) => sum + forwards, 0),
    bytes: costs.reduce((sum, { bytes }) => sum + bytes, 0)
  };
};

/** The sample at each place of the stream: [point, d_model], points in the order of the texts. A step for each place follows in the progress. */
export async function readSample(subject: Subject, sample: TokenSample, context: Context): Promise<(() => Matrix)[]> {
  const places = streamHooks(subject).length;
  const parts: Float32Array[][] = Array.from({ length: places }, () => []);
  const total = sample.texts.length + places;
  for (const [row, { ids }] of sample.texts.entries()) {
    context.progress({ done: row, total, label: `text ${row + 1} of ${sample.texts.length}` });
    const positions = sample.positions[row];
    if (positions.length > 0) {
      await visitStream(besideSource(subject, sample, row), ids, context, (place, { columns, data }) =>
        positions.forEach(at => parts[place].push(Float32Array.from(data.subarray(at * columns, (at + 1) * columns))))
      );
    }
  }
  return parts.map(rows => () => joined(rows));
}

/** Double precision only for the place at hand. */
function joined(rows: readonly Float32Array[]): Matrix {
  const columns = rows[0].length;
  const data = new Float64Array(rows.length * columns);
  rows.forEach((row, i) => data.set(row, i * columns));
  return matrix(rows.length, columns, data);
}
