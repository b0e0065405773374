import type { Family } from '../../analyses/analysis';

/** What an analysis draws, in outline. */
type Glyph = 'atlas' | 'map' | 'bars' | 'curves' | 'points' | 'table' | 'card' | 'graph';

/** Analyses whose figure is not the usual one of their family. */
const GLYPHS: Readonly<Record<string, Glyph>> = {
  'model-card': 'card',
  'attention-patterns': 'atlas',
  'head-scores': 'map',
  'attention-entropy': 'map',
  'logit-lens': 'table',
  'activation-patching': 'map',
  'path-patching': 'map',
  'direct-logit-attribution': 'map',
  'causal-tracing': 'points',
  'attention-attribution': 'map',
  'attribution-patching': 'map',
  ablation: 'bars',
  steering: 'curves',
  'head-taxonomy': 'map',
  'head-card': 'card',
  'head-comparison': 'map',
  'ov-circuit': 'table',
  'qk-circuit': 'table',
  composition: 'graph',
  'virtual-heads': 'graph',
  'edge-attribution': 'graph',
  'circuit-discovery': 'graph',
  'representation-similarity': 'map',
  'head-rank': 'map',
  'linear-probe': 'points',
  'weight-spectra': 'curves'
};

const USUAL: Readonly<Record<Family, Glyph>> = {
  model: 'card',
  circuits: 'map',
  expressivity: 'curves',
  generalisation: 'curves',
  dynamics: 'curves',
  inference: 'bars',
  training: 'points',
  ethics: 'points'
};

type Shape = readonly [tag: 'rect' | 'path' | 'circle', attributes: Readonly<Record<string, string | number>>];

const SIDE = 32;
const cell = (x: number, y: number, size: number, opacity: number): Shape => [
  'rect',
  { x, y, width: size, height: size, 'fill-opacity': opacity }
];
const line = (d: string): Shape => ['path', { d, fill: 'none', stroke: 'currentColor', 'stroke-width': 2 }];
const grid = (count: number, size: number, opacity: (row: number, column: number) => number): Shape[] =>
  Array.from({ length: count * count }, (_, at) => {
    const [row, column] = [Math.floor(at / count), at % count];
    return cell(2 + column * (size + 1), 2 + row * (size + 1), size, opacity(row, column));
  });

/** Made of the same few shapes, in one colour, so that every theme and forced colours show them. */
const SHAPES: Readonly<Record<Glyph, readonly Shape[]>> = {
  atlas: [0, 1, 2, 3].flatMap(at => {
    const [x, y] = [2 + (at % 2) * 15, 2 + Math.floor(at / 2) * 15];
    return [
      cell(x, y, 13, 0.15),
      line(at % 2 ? `M${x} ${y + 1}l12 12` : `M${x + 1} ${y}v13`),
      line(at > 1 ? `M${x} ${y + 5}l8 8` : `M${x} ${y + 1}l12 12`)
    ];
  }),
  map: grid(4, 6, (row, column) => [0.15, 0.35, 0.9, 0.2][(row * 3 + column * 2 + ((row * column) % 3)) % 4]),
  bars: [26, 19, 13, 8, 5].map((width, at) => ['rect', { x: 3, y: 3 + at * 5.5, width, height: 4 }] as Shape),
  curves: [line('M3 3v26h26'), line('M5 24C12 23 12 9 28 6'), line('M5 26C14 26 18 20 28 18')],
  points: [5, 12, 19, 26].flatMap((y, at) => [
    line(`M${6 + at * 2} ${y}h14`),
    ['circle', { cx: 13 + at * 2, cy: y, r: 2.5 }] as Shape
  ]),
  table: [0, 1, 2, 3].flatMap(row =>
    [0, 1, 2].map(
      column =>
        [
          'rect',
          { x: 2 + column * 10, y: 3 + row * 7, width: 9, height: 5, 'fill-opacity': (row + column) % 3 ? 0.2 : 0.8 }
        ] as Shape
    )
  ),
  card: [line('M3 4h26v24H3z'), line('M7 10h9M7 15h18M7 20h18M7 25h12')],
  graph: [
    line('M7 26L16 16L25 26M7 6L16 16L25 6'),
    ...[
      [7, 6],
      [25, 6],
      [16, 16],
      [7, 26],
      [25, 26]
    ].map(([cx, cy]) => ['circle', { cx, cy, r: 3 }] as Shape)
  ]
};

const SVG = 'http://www.w3.org/2000/svg';

/** A small drawing of what an analysis shows, in the colour of the text around it; words beside it say the same. */
export function thumbnail({ id, family }: { readonly id: string; readonly family: Family }): SVGElement {
  const node = document.createElementNS(SVG, 'svg');
  node.setAttribute('viewBox', `0 0 ${SIDE} ${SIDE}`);
  node.setAttribute('class', 'jp-orrery-thumbnail');
  node.setAttribute('aria-hidden', 'true');
  node.setAttribute('fill', 'currentColor');
  for (const [tag, attributes] of SHAPES[GLYPHS[id] ?? USUAL[family]]) {
    const shape = document.createElementNS(SVG, tag);
    Object.entries(attributes).forEach(([name, value]) => shape.setAttribute(name, String(value)));
    node.append(shape);
  }
  return node;
}
