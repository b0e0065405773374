import { rasterAtlas } from '../figures/atlas-raster';
import { tileOf } from '../figures/atlas-tile';
import type { AtlasFigure } from '../figures/figure';
import { ATTENTION_LIGHT } from '../figures/palettes';
import { pngText } from '../figures/png';
import type { Picture } from '../report/html';

const WIDTH = 700;
const GAP = 4;
const TILE = { least: 24, most: 110 } as const;

/** All heads as a PNG in the light theme, without words: those stand in the caption. */
export const atlasPicture = async (figure: AtlasFigure): Promise<Picture> => {
  const tile = tileOf(figure, Math.max(TILE.least, Math.min(TILE.most, Math.floor(WIDTH / figure.heads) - GAP)));
  const raster = rasterAtlas(figure, { tile, gap: GAP, hideSink: false, palette: ATTENTION_LIGHT });
  const { width, height } = raster;
  return { png: await pngText(raster), width, height };
};
