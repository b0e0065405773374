import { lines } from '../../src/figures/lines';

test.each([
  ['two decades: powers of ten', [1, 100], 1],
  ['four decades: powers of ten', [0.1, 1000], 1],
  ['between one and two: 1, 2 and 5', [1, 50], 'D2'],
  ['less than one: as Plotly has it', [0.4, 1.2], undefined]
])('a logarithmic axis of %s', (_, [low, high], dtick) => {
  const { layout } = lines({
    title: 't',
    caption: 'c',
    alt: 'a',
    x: { title: 'x', labels: ['0'] },
    y: { title: 'y', range: [low, high], log: true },
    series: [{ name: 's', samples: [[low]], member: () => 's' }]
  });
  expect(layout.yaxis).toMatchObject({ type: 'log', range: [Math.log10(low), Math.log10(high)] });
  expect(layout.yaxis?.dtick).toBe(dtick);
});
