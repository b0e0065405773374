import { digitsFor } from '../../src/figures/digits-for';
import { heatmaps } from '../../src/figures/heatmaps';
import { rankedBars } from '../../src/figures/ranked-bars';

test.each([
  [11.8, 2],
  [0.58, 2],
  [0.1, 2],
  [0.0999, 3],
  [0.0137, 3],
  [0.000137, 5],
  [1e-9, 6],
  [0, 2],
  [NaN, 2]
])('a map up to %d has %d digits behind the point', (size, digits) => {
  expect(digitsFor(size, 2)).toBe(digits);
});

test('small effects are told from nothing, in cells and beside bars', () => {
  const { data } = heatmaps({
    title: '',
    caption: '',
    alt: '',
    panels: [{ title: '', unit: '', range: [-0.0137, 0.0137], signed: true, values: [[0.0137, -0.0042, 0.00001]] }],
    rows: { title: 'layer', labels: ['0'] },
    columns: { title: 'head', labels: ['0', '1', '2'] },
    cell: (_, column) => `L0H${column}`
  });
  expect(data[0]).toMatchObject({
    text: [['+0.014', '−0.004', '0.000']],
    hovertemplate: '%{hovertext}: %{z:+.4f}<extra></extra>'
  });
  const bars = [{ name: 'L0H1', value: -0.00042 }];
  expect(rankedBars({ title: '', caption: '', alt: '', x: '', bars }).layout.yaxis?.ticktext).toEqual([
    'L0H1  −0.000420'
  ]);
});
