import type { Data } from 'plotly.js';

import { CIVIDIS, ORANGE_PURPLE, ORANGE_PURPLE_DARK, RED_BLUE, RED_BLUE_DARK, VIRIDIS } from './palettes';

/** How a reader wants figures on the page; what a notebook saves stays as it is. */
export interface ReaderChoices {
  readonly sequential: 'cividis' | 'viridis';
  readonly diverging: 'red-blue' | 'orange-purple';
  /** Significant digits; 0: as each figure has them. */
  readonly digits: number;
}

export const USUAL_CHOICES: ReaderChoices = { sequential: 'cividis', diverging: 'red-blue', digits: 0 };

const SEQUENTIAL = { viridis: VIRIDIS, cividis: CIVIDIS } as const;
/** On a light page and on a dark one. */
const DIVERGING = {
  'red-blue': [RED_BLUE, RED_BLUE_DARK],
  'orange-purple': [ORANGE_PURPLE, ORANGE_PURPLE_DARK]
} as const;
/** By the colours that the builders give. */
const SIGNED: ReadonlyMap<unknown, number> = new Map(RED_BLUE.map((colour, place) => [colour, place]));

interface Trace {
  readonly type?: string;
  readonly colorscale?: readonly (readonly [number, string])[];
  readonly hovertemplate?: string;
  readonly marker?: { readonly color?: unknown };
  readonly line?: { readonly color?: unknown };
}

/** A trace of the builders' in the colours and digits that are chosen, on a page that is dark or not. */
export function asChosen(
  trace: Partial<Data>,
  { sequential, diverging, digits }: ReaderChoices,
  dark: boolean
): Partial<Data> {
  const { colorscale, hovertemplate, marker, line } = trace as Trace;
  const signed = DIVERGING[diverging][Number(dark)];
  const scale = colorscale?.[0][1] === CIVIDIS[0] ? SEQUENTIAL[sequential] : signed;
  const colours = marker?.color;
  const drawn = SIGNED.get(line?.color);
  const color = drawn === undefined ? undefined : signed[drawn];
  return {
    ...trace,
    ...(colorscale && { colorscale: scale.map((colour, i) => [i / (scale.length - 1), colour]) }),
    ...(Array.isArray(colours) && {
      marker: { ...marker, color: colours.map(one => signed[SIGNED.get(one) ?? -1] ?? (one as string)) }
    }),
    ...(color !== undefined && { line: { ...line, color }, marker: { ...marker, color } }),
    ...(digits > 0 &&
      hovertemplate !== undefined && {
        hovertemplate: hovertemplate.replace(/(%\{[a-z]+:\+?)\.\d+[fg]\}/g, `$1.${digits}r}`)
      })
  } as Partial<Data>;
}

/** A number in the digits that are chosen; `usual` where none are. Whole numbers stay whole. */
export const inDigits = (value: number, digits: number, usual: string): string =>
  digits === 0 || Number.isInteger(value) ? usual : String(Number(value.toPrecision(digits)));
