import type { Row } from './bench';

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [360, 240, 56, 44];

/** A curve on logarithmic axes as SVG, readable on white and on black. */
export const growthPlot = ({ x, y, points }: NonNullable<Row['plot']>): string => {
  const [xs, ys] = [points.map(([value]) => value), points.map(([, value]) => value)];
  const place = (values: readonly number[], from: number, to: number) => {
    const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
    return (value: number): number => from + ((Math.log(value) - low) / (high - low || 1)) * (to - from);
  };
  const [across, up] = [place(xs, LEFT, WIDTH - 16), place(ys, HEIGHT - BOTTOM, 16)];
  const line = points.map(([a, b]) => `${across(a).toFixed(1)},${up(b).toFixed(1)}`).join(' ');
  const text = (at: readonly [number, number], words: string, anchor: string): string =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" text-anchor="${anchor}">${words}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="11" fill="#767676">
<polyline points="${line}" fill="none" stroke="#0072b2" stroke-width="2"/>
${points.map(([a, b]) => `<circle cx="${across(a).toFixed(1)}" cy="${up(b).toFixed(1)}" r="3" fill="#0072b2"/>`).join('\n')}
${xs.map(value => text([across(value), HEIGHT - BOTTOM + 16], String(value), 'middle')).join('\n')}
${[ys[0], ys[ys.length - 1]].map(value => text([LEFT - 8, up(value) + 4], value.toPrecision(2), 'end')).join('\n')}
${text([WIDTH / 2, HEIGHT - 8], `${x} (logarithmic)`, 'middle')}
${text([8, 12], y, 'start')}
</svg>
`;
};
