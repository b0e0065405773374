/** A colour as its three bytes. */
export type Rgb = readonly [number, number, number];

/** Colours of attention weights on one background. */
export interface AttentionPalette {
  /** 256 colours: zero is the background. */
  readonly ramp: readonly Rgb[];
  /** 256 colours of signed bytes: red below zero, which is the background, blue above. */
  readonly signed: readonly Rgb[];
  /** What the mask forbids, and what is hidden: told apart from zero. */
  readonly masked: Rgb;
  /** Between the heads. */
  readonly gap: Rgb;
}

/** Lightness changes in one direction only; blue, as in ColorBrewer's Blues. */
export const ATTENTION_LIGHT: AttentionPalette = {
  ramp: ramp(['#ffffff', '#6baed6', '#08306b']),
  signed: ramp(['#67001f', '#d6604d', '#ffffff', '#4393c3', '#053061']),
  masked: rgb('#dcdcdc'),
  gap: rgb('#ffffff')
};

export const ATTENTION_DARK: AttentionPalette = {
  ramp: ramp(['#111111', '#6baed6', '#f7fbff']),
  signed: ramp(['#fddbc7', '#d6604d', '#111111', '#4393c3', '#d1e5f0']),
  masked: rgb('#383838'),
  gap: rgb('#111111')
};

/** Cividis (Nuñez, Anderton & Renslow 2018): monotone in lightness, the same with and without red–green vision. */
export const CIVIDIS = [
  '#00224e',
  '#123570',
  '#3b496c',
  '#575d6d',
  '#707173',
  '#8a8678',
  '#a59c74',
  '#c3b369',
  '#e1cc55',
  '#fee838'
] as const;

/** ColorBrewer's RdBu, 11 classes: red below zero, blue above, as TransformerLens and CircuitsVis have it. */
export const RED_BLUE = [
  '#67001f',
  '#b2182b',
  '#d6604d',
  '#f4a582',
  '#fddbc7',
  '#f7f7f7',
  '#d1e5f0',
  '#92c5de',
  '#4393c3',
  '#2166ac',
  '#053061'
] as const;

/** The same hues on a dark page: zero is a step off the background, and what is far from it is light. */
export const RED_BLUE_DARK = [
  '#ffb59a',
  '#f08a68',
  '#d6604d',
  '#a04038',
  '#5f2c28',
  '#262626',
  '#1f3d55',
  '#2f6592',
  '#4393c3',
  '#6fb3e0',
  '#a6d3f2'
] as const;

/** Viridis (Smith & van der Walt 2015): monotone in lightness. */
export const VIRIDIS = [
  '#440154',
  '#482878',
  '#3e4989',
  '#31688e',
  '#26828e',
  '#1f9e89',
  '#35b779',
  '#6ece58',
  '#b5de2b',
  '#fde725'
] as const;

/** ColorBrewer's PuOr, 11 classes: orange below zero, purple above. */
export const ORANGE_PURPLE = [
  '#7f3b08',
  '#b35806',
  '#e08214',
  '#fdb863',
  '#fee0b6',
  '#f7f7f7',
  '#d8daeb',
  '#b2abd2',
  '#8073ac',
  '#542788',
  '#2d004b'
] as const;

export const ORANGE_PURPLE_DARK = [
  '#ffc98a',
  '#fdb863',
  '#e08214',
  '#9c5c12',
  '#5b3a12',
  '#262626',
  '#3a3157',
  '#5c4d92',
  '#8073ac',
  '#b2abd2',
  '#cfc6f2'
] as const;

/** Okabe & Ito's colours that stand 3:1 off white. */
export const CYCLE_LIGHT = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#000000'] as const;

/** Those that stand 3:1 off #111111. */
export const CYCLE_DARK = ['#56b4e9', '#e69f00', '#009e73', '#cc79a7', '#f0e442', '#d55e00', '#0072b2'] as const;

export function rgb(hex: string): Rgb {
  return [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
}

/** 256 colours, linear between the stops in sRGB. */
function ramp(stops: readonly string[]): Rgb[] {
  const colours = stops.map(rgb);
  return Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (colours.length - 1);
    const left = Math.min(Math.floor(place), colours.length - 2);
    const share = place - left;
    return colours[left].map((from, c) => Math.round(from + share * (colours[left + 1][c] - from))) as unknown as Rgb;
  });
}
