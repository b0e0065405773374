/** Vectors of one position before and after the rotary embedding. */
export interface Rotated {
  readonly before: readonly Float64Array[];
  readonly after: readonly Float64Array[];
}

/** The rotary embedding at one position, linear in the vector. */
export type Rotation = (vector: Float64Array) => Float64Array;

/** What is left when the rotation is taken off, relative to the vectors: half precision leaves up to 1e-3. */
const TOLERANCE = 5e-3;

/** Pairs of dimensions that turn together. */
type Pairs = readonly (readonly [number, number])[];

/** Neighbours (Su et al. 2021), or dimension i with i + r/2 of the first r (GPT-NeoX); dimensions in no pair stay as they are. */
const layouts = (width: number): Pairs[] => [
  ...Array.from({ length: Math.floor(width / 2) }, (_, at): Pairs => {
    const half = Math.floor(width / 2) - at;
    return Array.from({ length: half }, (__, i) => [i, i + half] as const);
  }),
  Array.from({ length: Math.floor(width / 2) }, (_, i) => [2 * i, 2 * i + 1] as const)
];

/** What a position's queries and its keys go through. */
export interface Rotations {
  readonly queries: Rotation;
  readonly keys: Rotation;
}

/**
 * The rotation that a position's queries and keys of all heads went through, whatever the file's frequencies, layout and scaling: for each pair of
 * dimensions cosine and sine by least squares. Where it fits better, queries are multiplied by one number before they turn (ESM divides them by
 * √d_head there). Throws where no layout explains the vectors.
 */
export function rotationOf({ queries, keys }: Record<'queries' | 'keys', Rotated>, position: number): Rotations {
  const fit = (factor: number): Fit => {
    const before = [...queries.before.map(vector => times(vector, factor)), ...keys.before];
    return bestFit({ before, after: [...queries.after, ...keys.after] }, factor);
  };
  const plain = fit(1);
  const scaled = plain.error <= TOLERANCE ? plain : fit(growth(queries) / (growth(keys) || 1));
  if (!(scaled.error <= TOLERANCE)) {
    const left = Math.min(plain.error, scaled.error);
    throw new Error(
      `rotation not understood: at position ${position} turning pairs of dimensions leaves ${(left * 100).toPrecision(3)} % of the queries and keys unexplained`
    );
  }
  const { rotation, factor } = scaled;
  return { queries: vector => rotation(times(vector, factor)), keys: rotation };
}

interface Fit {
  readonly rotation: Rotation;
  /** Of the queries before they turn. */
  readonly factor: number;
  readonly error: number;
}

/** Of all layouts. */
const bestFit = (rotated: Rotated, factor: number): Fit =>
  layouts(rotated.before[0].length)
    .map((pairs): Fit => {
      const rotation = fitted(rotated, pairs);
      return { rotation, factor, error: errorOf(rotated, rotation) };
    })
    .reduce((best, one) => (one.error < best.error ? one : best));

/** Of the vectors' lengths, which a rotation leaves as they are. */
const growth = ({ before, after }: Rotated): number => lengthOf(after) / (lengthOf(before) || 1);

const lengthOf = (vectors: readonly Float64Array[]): number => Math.hypot(...vectors.flatMap(vector => [...vector]));

const times = (vector: Float64Array, factor: number): Float64Array => vector.map(value => factor * value);

/** a' = c·a − s·b, b' = s·a + c·b */
function fitted({ before, after }: Rotated, pairs: Pairs): Rotation {
  const turns = pairs.map(([i, j]) => {
    let [cosine, sine, square] = [0, 0, 0];
    before.forEach((x, at) => {
      const y = after[at];
      cosine += x[i] * y[i] + x[j] * y[j];
      sine += x[i] * y[j] - x[j] * y[i];
      square += x[i] * x[i] + x[j] * x[j];
    });
    return square > 0 ? [cosine / square, sine / square] : [1, 0];
  });
  return vector => {
    const turned = vector.slice();
    pairs.forEach(([i, j], at) => {
      const [c, s] = turns[at];
      turned[i] = c * vector[i] - s * vector[j];
      turned[j] = s * vector[i] + c * vector[j];
    });
    return turned;
  };
}

function errorOf({ before, after }: Rotated, rotation: Rotation): number {
  let [error, size] = [0, 0];
  before.forEach((vector, at) =>
    rotation(vector).forEach((value, d) => {
      error += (value - after[at][d]) ** 2;
      size += after[at][d] ** 2;
    })
  );
  return size > 0 ? Math.sqrt(error / size) : 0;
}
