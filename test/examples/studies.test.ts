import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(__dirname, '../../examples/studies');

interface Cell {
  readonly cell_type: 'code' | 'markdown';
  readonly source: readonly string[];
  readonly outputs?: readonly { readonly data: Readonly<Record<string, unknown>> }[];
}

const MIME_TYPE = 'application/vnd.orrery.v1+json';
const joined = (text: unknown): string => (Array.isArray(text) ? text.join('') : String(text));
const cellsOf = (name: string): readonly Cell[] =>
  (JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as { cells: readonly Cell[] }).cells;

/** Numbers as an output's text writes them: with a minus sign of its own. */
const numbers = (text: string): readonly number[] =>
  [...text.replaceAll('−', '-').matchAll(/-?\d+\.\d+/g)].map(([found]) => Number(found));

/** Numbers with two or three decimals in the words; those of links and of code are none. */
const claims = (text: string): readonly string[] => {
  const words = text.replaceAll(/\]\([^)]*\)|`[^`]*`|\barXiv \S+/g, '');
  return [...words.matchAll(/(?<![\d.])-?\d+\.\d{2,3}(?!\d)/g)].map(([found]) => found);
};

describe.each(readdirSync(FOLDER).filter(name => name.endsWith('.ipynb')))('%s', name => {
  const cells = cellsOf(name);
  const outputs = cells.flatMap(({ outputs = [] }) => outputs.map(({ data }) => data));

  test('keeps a result of each analysis that it runs', () => {
    const code = cells.filter(({ cell_type }) => cell_type === 'code').map(({ source }) => source.join(''));
    const asked = code.filter(text => !text.includes('orrery.load(')).length;
    const held = outputs.flatMap(data => data[MIME_TYPE] as { result?: unknown });
    expect(held).toHaveLength(asked);
    expect(held.every(({ result }) => result)).toBe(true);
  });

  test('says the numbers that its figures show', () => {
    const shown = outputs.flatMap(data => numbers(joined(data['text/plain'])));
    const words = cells.filter(({ cell_type }) => cell_type === 'markdown').map(({ source }) => source.join(''));
    const said = words.flatMap(claims);
    const differs = (claim: string): boolean => {
      const decimals = claim.split('.')[1].length;
      // Signs are told in words: "falls by 16.20".
      return !shown.some(value => Math.abs(value).toFixed(decimals) === claim.replace('-', ''));
    };
    expect(said.length).toBeGreaterThan(8);
    expect(said.filter(differs)).toEqual([]);
  });
});
