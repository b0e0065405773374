/** @jest-environment ./test/jsdom.cjs */
import type { Figure } from '../../src/figures/figure';
import { figureCsv } from '../../src/report/figure-csv';
import { pictureSvg } from '../../src/report/picture-svg';
import { exportKinds } from '../../src/ui/output/export-kinds';
import { trans } from '../ui/translate';
import { htmlPage } from '../../src/report/html-page';

const words = { title: 't', caption: 'c', alt: 'a' };

test('a picture inside an SVG says so, and lets no markup in', () => {
  const svg = pictureSvg(
    { kind: 'text', ...words, title: '<a> & "b"', lines: [] },
    { png: 'QUJD', width: 3, height: 2 }
  );
  const { documentElement: root } = new DOMParser().parseFromString(svg, 'image/svg+xml');
  expect(root.getAttribute('viewBox')).toBe('0 0 3 2');
  expect(root.querySelector('title')!.textContent).toBe('<a> & "b"');
  expect(root.querySelector('desc')!.textContent).toContain('A picture of pixels (PNG) inside an SVG.');
  expect(root.querySelector('image')!.getAttribute('href')).toBe('data:image/png;base64,QUJD');
});

describe('the files that are offered', () => {
  const plot: Figure = { kind: 'plotly', ...words, data: [], layout: {}, height: 9 };
  const table: Figure = { kind: 'table', ...words, columns: [], rows: [] };
  const text: Figure = { kind: 'text', ...words, lines: [] };
  test.each<readonly [string, readonly Figure[], string]>([
    ['a plot without a table', [plot], 'png svg html'],
    ['a table', [plot, table], 'png svg csv html'],
    ['a text', [text], 'html']
  ])('of %s are those that can be made', (_, figures, kinds) => {
    expect(
      exportKinds(figures, trans)
        .map(([kind]) => kind)
        .join(' ')
    ).toBe(kinds);
  });

  test('an SVG that holds pictures says so', () => {
    const said = (figures: readonly Figure[]): string | undefined =>
      exportKinds(figures, trans).find(([kind]) => kind === 'svg')?.[1];
    expect(said([plot])).toBe('SVG, a drawing');
    expect(said([plot, table])).toContain('as pictures inside');
  });
});

describe('numbers as CSV', () => {
  test('a table has its headings, and quotes what needs it', () => {
    const figure: Figure = {
      kind: 'table',
      ...words,
      corner: 'layer',
      columns: [{ label: 'a,b' }, { label: 'say "x"' }],
      rows: [{ label: '0', cells: [{ text: 'one\ntwo' }, { text: '-1.5' }] }]
    };
    expect(figureCsv(figure)).toBe('layer,"a,b","say ""x"""\r\n0,"one\ntwo",-1.5\r\n');
  });

  test('tokens that a spreadsheet would take for formulas do not act, numbers stay numbers', () => {
    const table = {
      columns: ['token', 'value'],
      rows: [
        ['=HYPERLINK("x")', -2],
        ['@a', 1e-7]
      ],
      omitted: 0
    };
    const figure: Figure = { kind: 'plotly', ...words, data: [], layout: {}, height: 100, table };
    expect(figureCsv(figure)).toBe('token,value\r\n"\'=HYPERLINK(""x"")",-2\r\n\'@a,1e-7\r\n');
  });

  test('a text has none', () => {
    expect(figureCsv({ kind: 'text', ...words, lines: ['x'] })).toBeUndefined();
  });
});

test('a page holds the output and no markup of its title', () => {
  const page = htmlPage('<b>&', { data: { 'text/html': '<p>x</p>' } });
  expect(page).toContain('<h1>&lt;b&gt;&amp;</h1><p>x</p>');
  expect(page).not.toContain('<script');
});
