import type { Room } from '../runtime/runtime';
import type { Cost } from './subject';

/** Bytes that something will take, by what they are. */
export type Needs = readonly { readonly bytes: number; readonly what: string }[];

/** Throws, with the sizes, where memory would not suffice. `what`: the name of what would run. */
export const refuseWithoutRoom = (what: string, needs: Needs, { bytes, of }: Room): void => {
  const total = needs.reduce((sum, need) => sum + need.bytes, 0);
  // Not a number: something was said too large to be counted.
  if (!(total <= bytes)) {
    const parts = needs.filter(need => need.bytes > 0).map(need => `${size(need.bytes)} ${need.what}`);
    throw new Error(
      `memory would not suffice: ${what} needs ${size(total)} (${parts.join(', ')}), ${size(bytes)} ${of} are free`
    );
  }
};

const size = (bytes: number): string =>
  bytes < 2 ** 30 ? `${Math.ceil(bytes / 2 ** 20)} MB` : `${(bytes / 2 ** 30).toFixed(1)} GB`;

/** Of an analysis, as it says itself. */
export const needsOf = ({ bytes, session = 0 }: Cost): Needs => [
  { bytes: session, what: 'for the weights once more' },
  { bytes, what: 'for activations' }
];
