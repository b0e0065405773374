import type { Figure } from '../figures/figure';
import type { Picture } from './html';
import { escapeHtml } from './html';

/** A figure that is not drawn in lines as an SVG that holds its picture of pixels, and says so in its description. */
export function pictureSvg({ title, alt }: Figure, { png, width, height }: Picture): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">` +
    `<title>${escapeHtml(title)}</title>` +
    `<desc>${escapeHtml(alt)} A picture of pixels (PNG) inside an SVG.</desc>` +
    `<image width="${width}" height="${height}" href="data:image/png;base64,${png}"/></svg>`
  );
}
