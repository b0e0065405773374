import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { userRows } from '../../../src/analyses/probing/labelled-rows';
import { fakeSubject } from '../fake-subject';
import { tokenised } from './tokenised';

describe('labelled tables', () => {
  const cells = (text: string) =>
    userRows(tokenised(), text).points.map(({ row, position, label, word }) => [row, position, label, word]);

  test('CSV with text and label: the last token; with word: the last token of that word; one text runs once', () => {
    expect(cells('text;label\nIt sinks, slowly;bad\n')).toEqual(cells('text,label\n"It sinks, slowly",bad\n'));
    expect(cells('text,label\n"The ship, sails",good\nIt sinks,bad\n')).toEqual([
      [0, 3, 'good', 'the ship, sails'],
      [1, 2, 'bad', 'it sinks']
    ]);
    const table = 'label,text,word\nV,The ship sails,sails\nN,The ship sails,ship\nD,a dog,a\n';
    expect(cells(table)).toEqual([
      [0, 3, 'N', 'ship'],
      [0, 4, 'V', 'sails'],
      [1, 1, 'D', 'a']
    ]);
    expect(userRows(tokenised(), table).texts.length).toBe(2);
  });

  test('a word a row: rows of a sentence make its text, words without a label are context', () => {
    expect(cells('sentence,word,label\n1,The,D\n1,ship,N\n1,sails,\n2,a,D\n')).toEqual([
      [0, 1, 'D', 'the'],
      [0, 3, 'N', 'ship'],
      [1, 1, 'D', 'a']
    ]);
  });

  test('the tables of docs/probing.md are read', () => {
    const page = readFileSync(join(__dirname, '../../../docs/probing.md'), 'utf8');
    const tables = [...page.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block.replaceAll(/^ {4}/gm, ''));
    expect(tables.map(table => cells(table).map(([, , label, word]) => `${word}/${label}`))).toEqual([
      ['ship/N', 'sails/V'],
      ['ship/N']
    ]);
  });

  test('JSON Lines; numbers and booleans are labels, null is none', () => {
    const lines = ['{"text": "The ship", "label": 1}', '{"text": "a dog", "label": true, "word": null}'];
    expect(cells(lines.join('\n'))).toEqual([
      [0, 3, '1', 'the ship'],
      [1, 2, 'true', 'a dog']
    ]);
  });

  test('without a tokenizer cells hold ids', () => {
    const bare = fakeSubject({ layers: 1, heads: 1 });
    const found = userRows(bare, 'text,label,word\n3 4 5,A,4\n6 7,B,\n').points;
    expect(found.map(({ row, position, label }) => [row, position, label])).toEqual([
      [0, 1, 'A'],
      [1, 1, 'B']
    ]);
  });

  test('a first line that names no columns is words with labels', () => {
    expect(userRows(tokenised(), 'a,b/D label/N').points.map(({ label }) => label)).toEqual(['D', 'N']);
  });

  test.each([
    ['text,label\nThe ship\n', 'labelled table: row 1 has 1 cells where 2 columns are named'],
    ['text,label\n', 'labelled table: 0 rows'],
    ['text,label\nThe ship,\n', 'labelled table: row 1 needs a text and a label'],
    ['text,label,split\na,b,c\n', "labelled table: its first line has 'split'"],
    ['sentence,label\na,b\n', 'labelled table: its first line has sentence, label, columns are'],
    ['text,label,word\nThe ship,N,dog\n', "row 1: 'dog' is not in its text"],
    ['text,label,word\na dog a,N,a\n', "row 1: 'a' is in its text more than once"],
    ['text,label\n"The ship,N\n', 'labelled table: a quote that is opened in row 2 is not closed'],
    ['sentence,word,label\n1,a,D\n2,b,N\n1,c,V\n', "row 3 goes on with sentence '1', whose other rows stand apart"],
    ['sentence,word,label\n1,a b,D\n', 'row 1 needs a sentence, a word without spaces'],
    ['{"text": "a"', 'row 1 is not JSON'],
    ['{"text": "a", "label": [1]}', "row 1 has a list of 1 in 'label'"],
    ['{"text": "a", "label": "b"}\n[1]', 'row 2 must be an object'],
    ['{"text": "a", "label": "b", "__proto__x": 1}', "row 1 has '__proto__x'"]
  ])('%j is refused', (table, message) => {
    expect(() => userRows(tokenised(), table)).toThrow(message);
  });

  test('more texts or rows than are read are refused quickly', () => {
    const many = Array.from({ length: 50000 }, (_, i) => `${i % 7},A`).join('\n');
    expect(() => userRows(tokenised(), `text,label\n${many}`)).toThrow(
      'labelled table: 40001 rows, 1 to 40000 are read'
    );
    const texts = Array.from({ length: 1001 }, (_, i) => `t${i},A`).join('\n');
    expect(() => userRows(tokenised(), `text,label\n${texts}`)).toThrow('1001 different texts, at most 1000');
  });
});
