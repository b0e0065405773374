import { ccaBasis, ccaOfBases, leadingDirections, type CcaBasis } from '../../maths/cca';
import { centredGram, ckaOfGrams, type CentredGram } from '../../maths/cka';
import { linearAlgebra } from '../../maths/linear-algebra';
import { differentPoints } from '../../maths/different-points';
import type { Matrix } from '../../maths/matrix';
import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { isDecoder } from '../reading';
import { asShuffled } from '../as-shuffled';
import { encodeTensor } from '../tensor-codec';
import { towerTexts, type TowerTexts } from '../tower-texts';
import { alignedTexts } from './aligned-texts';
import { eachPlace } from './each-place';
import type { CcaForm, OtherModel, RepresentationSimilarity } from './representation-similarity';
import { refusesStream, streamHooks } from './stream';
import { readSample, type TokenSample } from './token-sample';

/** Of all Gram matrices held at once, in bytes. */
const MOST_BYTES = 2 ** 30;
/** Of the strongest direction: weaker ones are rounding of single precision, as the one that a layer norm takes away. */
const NEGLIGIBLE = 1e-6;
/** Of the variance that SVCCA keeps, as Raghu et al. 2017 have it. */
const SHARE = 0.99;

interface SimilaritySpec {
  readonly texts: string | undefined;
  readonly decoderTexts: string | undefined;
  readonly cca: CcaForm;
  readonly shuffled: boolean;
}

/** The model's places with one another, with those of a shuffled copy and with those of a second model, which the caller closes. */
export async function similarities(
  subject: Subject,
  second: Subject | undefined,
  spec: SimilaritySpec,
  sample: TokenSample,
  context: Context,
  seed: number
): Promise<Pick<RepresentationSimilarity, 'values' | 'kept' | 'other'>> {
  const read = second && { ...sample, ...textsOf(subject, second, spec, sample) };
  const own = streamHooks(subject).length;
  refuseSize(sample.points, own * (spec.shuffled ? 2 : 1) + (second ? streamHooks(second).length : 0));
  const mine = await places(subject, sample, spec.cca, context);
  const maps = await mapsOf(mine, mine, spec.cca, context);
  if (spec.shuffled) {
    maps.push(ckaMap(mine.grams, await shuffledGrams(subject, sample, context, seed), 'debiased'));
  }
  const theirs = second && read && (await places(second, read, spec.cca, context));
  return {
    values: packed(['map', 'place', 'place'], maps),
    kept: keptOf(mine),
    other:
      second && theirs
        ? {
            label: second.facts.label,
            hash: second.facts.hash,
            values: packed(['map', 'place', 'other place'], await mapsOf(mine, theirs, spec.cca, context)),
            kept: keptOf(theirs)
          }
        : null
  };
}

/** Refused before either model runs. */
function textsOf(subject: Subject, second: Subject, spec: SimilaritySpec, sample: TokenSample): TowerTexts {
  const refusal = refusesStream(second);
  if (refusal !== undefined) {
    throw new Error(`representation similarity is not possible with '${second.facts.label}': ${refusal}`);
  }
  if (isDecoder(subject) !== isDecoder(second)) {
    throw new Error(
      `towers differ: '${subject.facts.label}' is seen by its ${subject.tower.name}, '${second.facts.label}' has no ${subject.tower.name} beside an encoder`
    );
  }
  const { texts, sources } = sample;
  if (!sources) {
    return { texts: alignedTexts(subject, second, spec.texts, texts) };
  }
  const theirs = subject.tokens && second.tokens ? towerTexts(second, spec) : { texts, sources };
  // Start tokens alone correspond, whatever they are.
  return spec.decoderTexts?.trim()
    ? { ...theirs, texts: alignedTexts(subject, second, spec.decoderTexts, texts) }
    : theirs;
}

const keptOf = ({ bases }: Places): number[] => bases.map(one => one?.basis.columns ?? 0);

function packed(dims: readonly string[], maps: readonly (readonly (readonly number[])[])[]): OtherModel['values'] {
  const shape = [maps.length, maps[0].length, maps[0][0].length];
  return { ...encodeTensor({ dims, shape }, Float32Array.from(maps.flat(2))), dtype: 'float32' };
}

async function mapsOf(rows: Places, columns: Places, cca: CcaForm, context: Context): Promise<number[][][]> {
  const maps = [ckaMap(rows.grams, columns.grams, 'plain'), ckaMap(rows.grams, columns.grams, 'debiased')];
  if (cca !== 'none') {
    maps.push(await ccaMap(rows.bases, columns.bases, cca, context));
  }
  return maps;
}

function refuseSize(points: number, places: number): void {
  if (points < 4) {
    throw new Error(`representation similarity: needs at least 4 points, got ${points}`);
  }
  const bytes = points ** 2 * places * 8;
  if (bytes > MOST_BYTES) {
    throw new Error(
      `sample too large: similarities of ${points} points at ${places} places take ${bytes} bytes, at most ${MOST_BYTES} are held (field 'most')`
    );
  }
}

interface Places {
  readonly grams: readonly (CentredGram | undefined)[];
  readonly bases: readonly (CcaBasis | undefined)[];
}

async function places(subject: Subject, sample: TokenSample, form: CcaForm, context: Context): Promise<Places> {
  const algebra = await linearAlgebra();
  const read = await readSample(subject, sample, context);
  const found = await eachPlace(read, sample.texts.length, context, (points, place) => {
    const gram = centredGram(points, algebra);
    return { gram, ...(form !== 'none' && gram && { basis: basisOf(points, gram, place, form) }) };
  });
  return {
    grams: found.map(({ gram }) => gram),
    bases: form === 'none' ? [] : found.map(({ basis }) => basis)
  };

  /** Refused here already: canonical correlations of as many dimensions as different points are all 1. */
  function basisOf(points: Matrix, gram: CentredGram, place: number, kind: CcaForm): CcaBasis {
    const made = ccaBasis(kind === 'svcca' ? leadingDirections(points, SHARE, algebra) : points, algebra, NEGLIGIBLE);
    const different = differentPoints(gram);
    if (different <= made.basis.columns + 1) {
      const repeated = different < points.rows ? `, ${different} of them different` : '';
      throw new Error(
        `CCA needs more points than dimensions: place ${place} has ${made.basis.columns} dimensions, ${points.rows} points were drawn${repeated} (field 'texts')`
      );
    }
    return made;
  }
}

async function shuffledGrams(
  subject: Subject,
  sample: TokenSample,
  context: Context,
  seed: number
): Promise<Places['grams']> {
  const shuffled = await subject.shuffled(seed, context);
  try {
    return (await places(asShuffled(subject, shuffled), sample, 'none', context)).grams;
  } finally {
    await shuffled.release();
  }
}

function ckaMap(rows: Places['grams'], columns: Places['grams'], form: 'plain' | 'debiased'): number[][] {
  return rows.map(a => columns.map(b => (a && b ? (ckaOfGrams(a, b)[form] ?? NaN) : NaN)));
}

/** SVCCA is the same both ways; PWCCA weighs by the row's representation. */
async function ccaMap(
  rows: Places['bases'],
  columns: Places['bases'],
  form: CcaForm,
  context: Context
): Promise<number[][]> {
  const algebra = await linearAlgebra();
  const map: number[][] = rows.map(() => []);
  const known = (i: number, j: number): boolean => rows === columns && form === 'svcca' && j < i;
  for (const [i, a] of rows.entries()) {
    for (const [j, b] of columns.entries()) {
      context.progress({
        done: i * columns.length + j,
        total: rows.length * columns.length,
        label: `CCA of places ${i} and ${j}`
      });
      await new Promise(resolve => setTimeout(resolve));
      context.signal.throwIfAborted();
      map[i].push(known(i, j) ? map[j][i] : a && b ? valueOf(ccaOfBases(a, b, algebra)) : NaN);
    }
  }
  return map;

  function valueOf({ mean, projectionWeighted }: ReturnType<typeof ccaOfBases>): number {
    return form === 'svcca' ? mean : projectionWeighted;
  }
}
