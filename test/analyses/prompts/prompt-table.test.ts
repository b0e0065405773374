import { promptTable } from '../../../src/analyses/prompts/prompt-table';

const PROMPT = { clean: 'a, b', corrupted: 'a "c"\nd', answer: { correct: [' x'], wrong: [' y'] } };

test.each([
  ['own.csv', 'clean,corrupted,correct,wrong\n"a, b","a ""c""\nd", x, y\n'],
  ['OWN.CSV', '\uFEFFclean,corrupted,answer,wrong answer\r\n"a, b","a ""c""\nd", x, y'],
  ['own.csv', 'clean;corrupted;correct;wrong\r\n"a, b";"a ""c""\nd"; x; y\r\n'],
  ['own.csv', 'clean\tcorrupted\tcorrect\twrong\na, b\t"a ""c""\nd"\t x\t y\n'],
  ['own.jsonl', `${JSON.stringify({ clean: 'a, b', corrupted: 'a "c"\nd', correct: [' x'], wrong: ' y' })}\n\n`],
  ['own.jsonl', JSON.stringify(PROMPT)]
])('%s', (file, text) => {
  expect(promptTable(text, file)).toEqual([PROMPT]);
});

test('lists of tokens, and cells that are empty', () => {
  const text = 'clean,corrupted,correct,wrong\na,,"["" x"", 11]",\nb,c,[,\n';
  expect(promptTable(text, 'a.csv')).toEqual([
    { clean: 'a', answer: { correct: [' x', 11] } },
    { clean: 'b', corrupted: 'c', answer: { correct: ['['] } }
  ]);
  expect(promptTable('{"clean":[1,2],"corrupted":null,"answer":7}', 'a.jsonl')).toEqual([
    { clean: [1, 2], answer: { correct: [7] } }
  ]);
});

test.each([
  ['a.csv', 'prompt,answer\na,b\n', "the column 'clean' is missing (there are: 'prompt', 'answer')"],
  ['a.csv', 'clean,corupted\na,b\n', "unknown column 'corupted'"],
  ['a.csv', 'clean,clean\na,b\n', "the column 'clean' is there twice"],
  ['a.csv', 'clean,correct,answer\na,b,c\n', "row 1 has 'correct' under two names"],
  ['a.csv', 'clean,wrong\na\n', 'row 1 has 1 cells where 2 columns are named'],
  ['a.csv', 'clean;wrong\na;b;c\n', 'row 1 has 3 cells where 2 columns are named'],
  ['a.csv', 'clean,wrong\na;b\n', 'row 1 has 1 cells where 2 columns are named'],
  ['a.csv', 'clean\n"a\n', 'a quote that is opened in row 2 is not closed'],
  ['a.csv', 'clean\n', 'no rows, 1 to 256 are read'],
  ['a.csv', '', "the column 'clean' is missing (there are: none)"],
  ['a.csv', `clean\n${'a\n'.repeat(300)}`, 'more than 256 rows, 1 to 256 are read'],
  ['a.csv', 'clean,wrong\na,b\n', "field 'rows[0].answer' needs 'correct'"],
  ['a.jsonl', '{"clean":"a"}\n{"text":"b"}', "the column 'clean' is missing in row 2 (there are: 'text')"],
  ['a.jsonl', '[1]', 'row 1 must be an object'],
  ['a.jsonl', 'clean', 'row 1 is not JSON'],
  ['a.jsonl', '{"clean":"a","__proto__":{"x":1}}', "unknown column '__proto__'"],
  ['a.txt', 'a', 'a file ends in .csv or .jsonl']
])('%s with %j is refused', (file, text, message) => {
  expect(() => promptTable(text, file)).toThrow(`prompt table '${file}': ${message}`);
});
