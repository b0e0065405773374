import { lines } from '../../src/figures/lines';
import { LIGHT, themed } from '../../src/figures/theme';

const series = (name: string, samples: readonly (readonly number[])[]) => ({ name, samples, member: () => name });

test('a series without a point has no line and no name; the others keep their colours', () => {
  const drawn = (first: readonly (readonly number[])[]) =>
    lines({
      title: 't',
      caption: 'c',
      alt: 'a',
      x: { title: 'x', labels: ['0', '1'] },
      y: { title: 'y', range: [0, 1] },
      series: [series('a', first), series('b', [[1], [0]])]
    });
  const colourOf = (figure: ReturnType<typeof drawn>): unknown =>
    themed(figure, LIGHT).data.flatMap(trace =>
      trace.type === 'scatter' && trace.name === 'b' ? [trace.line?.color] : []
    );
  const [whole, empty] = [drawn([[1], [1]]), drawn([[], []])];
  expect(empty.data.map(({ name }) => name).filter(Boolean)).toEqual(['b']);
  expect(empty.layout.showlegend).toBe(false);
  expect(colourOf(empty)).toEqual(colourOf(whole));
});
