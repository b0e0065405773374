import type { Command } from './command';

/** A terminal's, of which a line is broken between words. */
const WIDTH = 100;
const MOST_LEFT = 26;

/** What `orrery --help` shows. */
export const help = (commands: readonly Command[]): string =>
  [
    'orrery shows the mechanism of a transformer in an ONNX file.',
    '',
    'Usage: orrery COMMAND …',
    '',
    'Commands',
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    '',
    'Options',
    ...columns([
      ['--help', 'this, or behind a command its own options'],
      ['--version', 'the version']
    ]),
    '',
    ...ENDING,
    ''
  ].join('\n');

/** What `orrery NAME --help` shows. */
export const commandHelp = ({ name, usage, summary, options }: Command): string =>
  [
    ...lines(`orrery ${name} ${summary}`, WIDTH),
    '',
    ...lines(`Usage: orrery ${name}${usage && ` ${usage}`} [OPTION…]`, WIDTH - 4).map((line, i) =>
      i > 0 ? `    ${line}` : line
    ),
    '',
    'Options',
    ...columns(
      Object.entries(options).map(([flag, { value, about }]) => [`--${flag}${value ? ` ${value}` : ''}`, about])
    ),
    '',
    ...ENDING,
    ''
  ].join('\n');

const ENDING = ['MODEL is a folder or an .onnx file. Exit code: 0 done, 1 refused or failed, 2 wrong usage.'];

/** Two columns, the right one broken between words; what is too wide for the left one has a line of its own. */
const columns = (rows: readonly (readonly [string, string])[]): readonly string[] => {
  const left = Math.min(MOST_LEFT, Math.max(...rows.map(([name]) => name.length))) + 2;
  return rows.flatMap(([name, words]) => {
    const [first, ...rest] = lines(words, WIDTH - left - 2);
    const head =
      name.length < left ? [`  ${name.padEnd(left)}${first}`] : [`  ${name}`, `  ${''.padEnd(left)}${first}`];
    return [...head, ...rest.map(line => `  ${''.padEnd(left)}${line}`)];
  });
};

const lines = (text: string, width: number): readonly string[] =>
  text.split(' ').reduce<readonly string[]>((done, word) => {
    const last = done.at(-1);
    return last !== undefined && last.length + 1 + word.length <= width
      ? [...done.slice(0, -1), `${last} ${word}`]
      : [...done, word];
  }, []);
