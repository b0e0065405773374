import type { Rgb } from './palettes';

/** Black or white, whichever stands off more (relative luminance, WCAG 2.2). */
export function inkOn([red, green, blue]: Rgb): '#000000' | '#ffffff' {
  const linear = [red, green, blue].map(byte =>
    byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4
  );
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 ? '#000000' : '#ffffff';
}
