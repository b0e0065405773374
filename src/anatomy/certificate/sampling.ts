import type { Anatomy, Hook } from '../anatomy';
import { towerInput } from './row-input';

/** Places of a long sequence whose rows the quick certificate looks at; of keys and values it looks at all. */
export interface Sampling {
  /** The input whose positions they are. */
  readonly input: string;
  readonly places: readonly number[];
}

/** A pattern of so many positions is half a million numbers, and there is one for each head. */
const LONG = 512;
const PLACES = 12;

/** Of a tower that always reads many features, such as half a minute of sound; the first place and the last are among them. */
export const samplingOf = ({ towers }: Pick<Anatomy, 'towers'>): Sampling | undefined => {
  const long = towers.find(({ content }) => content?.kind === 'features' && (content.length ?? 0) > LONG);
  const length = long?.content?.length ?? 0;
  const input = long && towerInput(long);
  return input === undefined
    ? undefined
    : { input, places: Array.from({ length: PLACES }, (_, i) => Math.round((i * (length - 1)) / (PLACES - 1))) };
};

const WHOLE = /\.hook_(rot_)?[kv]$|hook_encoder_states$/;

/** The hook's rows are those of the sampled places. */
export const isSampled = (
  { towers }: Pick<Anatomy, 'towers'>,
  { input }: Sampling,
  { name, dims, positions = towerInput(towers[0]) }: Hook
): boolean => positions === input && !WHOLE.test(name) && positionAxis(dims) >= 0;

export const positionAxis = (dims: Hook['dims']): number =>
  dims.findIndex(axis => axis === 'pos' || axis === 'query_pos');
