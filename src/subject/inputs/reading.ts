import type { Anatomy, Tower } from '../../anatomy/anatomy';
import { towerInput } from '../../anatomy/certificate/row-input';
import { readingInputs, type Feedable, type Rows } from './feeds';

/** How a run's rows are read: which tower's ids they are, and what the other sequences are meanwhile. */
export interface Reading {
  readonly tower: Tower;
  readonly inputs: readonly Feedable[];
  /** An input of another tower that nobody gave: what depends on it is refused. */
  readonly missing?: string;
}

/** Each tower has an input of its own, and none reads another's states: an image's and a text's (CLIP). */
export const readApart = ({ towers }: Anatomy): boolean =>
  towers.length > 1 &&
  towers.every(({ states }) => states === undefined) &&
  new Set(towers.map(towerInput)).size === towers.length;

/** The tower that is read first and feeds another: an encoder before its decoder. Undefined where the graph reads one sequence. */
export const encoderOf = ({ towers }: Anatomy): Tower | undefined =>
  towers.length > 1 && towers[1].states !== undefined ? towers[0] : undefined;

/**
 * Encoder–decoders read the encoder's ids, the decoder its start alone; of towers that read apart the one of ids comes first; other
 * models read the first decoder's, else the first tower's.
 */
export const firstReading = (anatomy: Anatomy, inputs: readonly Feedable[], start: number | undefined): Reading => {
  const { towers } = anatomy;
  const encoder = encoderOf(anatomy);
  if (readApart(anatomy)) {
    return apartReading(anatomy, inputs, towers.find(({ embedding }) => embedding) ?? towers[0]);
  }
  const tower = encoder ?? towers.find(({ kind }) => kind === 'decoder') ?? towers[0];
  const other = encoder && otherIds(anatomy, tower);
  return {
    tower,
    inputs: other === undefined ? inputs : readingInputs(inputs, towerInput(tower), { [other]: [[start ?? 0]] }),
    ...(other !== undefined && start === undefined && { missing: other })
  };
};

/** Rows are `tower`'s, the other sequence stays: one row, or as many as each run has. */
export const otherReading = (anatomy: Anatomy, inputs: readonly Feedable[], tower: Tower, other: Rows): Reading => {
  const name = otherIds(anatomy, tower);
  return { tower, inputs: name === undefined ? inputs : readingInputs(inputs, towerInput(tower), { [name]: other }) };
};

/** Rows are `tower`'s; what no one gave to the other is one row of its first places, which nothing may be told of. */
export const apartReading = (anatomy: Anatomy, inputs: readonly Feedable[], tower: Tower): Reading => {
  const other = anatomy.towers.find(one => one !== tower)!;
  const missing = towerInput(other)!;
  const places = Array.from({ length: other.content?.length ?? 1 }, (_, place) => place);
  return { tower, inputs: readingInputs(inputs, towerInput(tower), { [missing]: [places] }), missing };
};

const otherIds = ({ towers }: Anatomy, tower: Tower): string | undefined =>
  towers.map(towerInput).find(ids => ids !== undefined && ids !== towerInput(tower));
