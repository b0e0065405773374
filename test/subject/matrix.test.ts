import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { examine, expectedOf, families, STYLES, type Cell } from './matrix-cells';
import { supportPage, type SupportRow } from './support-page';

const PAGE = join(__dirname, '../../docs/support.md');
const rows: SupportRow[] = [];

describe.each(families())('%s', family => {
  const { styles, absent } = expectedOf(family);
  const cells = new Map<string, Cell>();
  rows.push({ family, cells, absent });

  test.each(styles)('%s: no verified hook is wrong', async style => {
    const cell = await examine(family, style);
    cells.set(style, cell);
    expect({ family, style, wrong: cell.kind === 'wrong' ? cell.why : undefined }).toEqual({ family, style });
  });
});

/** All files were examined above. node scripts/support.mjs writes the page. */
test('docs/support.md is what the files show', () => {
  const page = supportPage(rows, STYLES);
  if (process.env.WRITE_SUPPORT) {
    writeFileSync(PAGE, page);
  }
  expect(readFileSync(PAGE, 'utf8')).toBe(page);
});
