import type { Figure } from '../../src/figures/figure';
import { figureCsv } from '../../src/report/figure-csv';
import { htmlPage } from '../../src/report/html-page';

const words = { title: 't', caption: 'c', alt: 'a' };

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
