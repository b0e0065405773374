import { keysOf } from '../../figures/atlas';
import { magnitudeOf } from '../../figures/atlas-bytes';
import type { AtlasCell } from '../../figures/atlas-raster';
import type { AtlasFigure } from '../../figures/figure';

/**
 * The head with the largest weight off the diagonal and the first column, summed over rows: where there is most to see. Of keys of
 * another sequence all count but the first.
 */
export function sharpestHead(figure: AtlasFigure): Pick<AtlasCell, 'layer' | 'head'> {
  const { patterns, layers, heads, size, signed = false } = figure;
  const across = keysOf(figure).size;
  let [best, most] = [0, -1];
  for (let tile = 0; tile < layers * heads; tile++) {
    let sum = 0;
    for (let query = figure.keys ? 0 : 1; query < size; query++) {
      const row = (tile * size + query) * across;
      let largest = 0;
      for (let key = 1; key < across; key++) {
        largest = key === query && !figure.keys ? largest : Math.max(largest, magnitudeOf(patterns[row + key], signed));
      }
      sum += largest;
    }
    [best, most] = sum > most ? [tile, sum] : [best, most];
  }
  return { layer: Math.floor(best / heads), head: best % heads };
}
