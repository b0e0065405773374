import type { Cell } from './matrix-cells';

export interface SupportRow {
  readonly family: string;
  readonly cells: ReadonlyMap<string, Cell>;
  readonly absent: Readonly<Partial<Record<string, string>>>;
}

/** Markdown: a table of families and styles, and below it why a cell is not verified. */
export const supportPage = (rows: readonly SupportRow[], styles: readonly string[]): string => {
  const all = rows.flatMap(({ cells }) => [...cells.values()]);
  const unverified = rows.flatMap(row => styles.flatMap(style => reason(row, style)));
  const count = (kind: Cell['kind']): number => all.filter(cell => cell.kind === kind).length;
  return [
    '# What is supported',
    '',
    'Written by `node scripts/support.mjs` from the small files of `test/fixtures/matrix`: one transformer of each family, by each exporter,',
    'opened as it is and with all names gone. Residual streams, patterns, attention and MLP outputs and logits are compared with',
    "Hugging Face's, for one text and for batches padded behind and before, run at once (before: where the file's",
    'own outputs are those of Hugging Face: exports without a mask, or with one that only counts tokens, cannot tell such padding).',
    'Files that take a past are also run for the last token alone behind the keys and values of the others, and compared with the cache of',
    'Hugging Face: patterns over all keys, the keys and values themselves, streams and logits.',
    'Encoder–decoders (BART, Marian, mBART, Pegasus, T5, Whisper) are compared in both towers and in their cross-attention; by optimum, and as',
    'conversions, they are two files, an encoder’s and a decoder’s (with past: the merged one). CLIP and SigLIP with both towers in one file',
    'are compared in both, with their embeddings and the logits of every image and text.',
    '',
    `${all.length} files: ${count('verified')} verified, ${count('partial')} partial, ${count('refused')} refused, ${count('wrong')} wrong.`,
    '',
    '- **verified**: every compared hook is served, proven by the certificate and has the right values.',
    '- **partial**: what is served is right; the hooks named below are not served.',
    '- **refused**: the file is not opened, for the reason below.',
    '- **no file**: the exporter does not write it. An empty cell was not tried.',
    '- **fp16**, **int8** and **q4** are conversions; their values are compared loosely, because their weights are rounded.',
    '',
    `| | ${styles.join(' | ')} |`,
    `|---|${styles.map(() => '---|').join('')}`,
    ...rows.map(row => `| ${row.family} | ${styles.map(style => shown(row, style)).join(' | ')} |`),
    '',
    '## Not verified',
    '',
    ...(unverified.length > 0 ? unverified : ['None.']),
    '',
    '## Not written by the exporter',
    '',
    ...rows.flatMap(row => styles.flatMap(style => absence(row, style))),
    ''
  ].join('\n');
};

const shown = ({ cells, absent }: SupportRow, style: string): string =>
  cells.get(style)?.kind ?? (style in absent ? 'no file' : '');

const reason = ({ family, cells }: SupportRow, style: string): readonly string[] => {
  const cell = cells.get(style);
  return cell && cell.kind !== 'verified' ? [`- ${family}, ${style}: ${cell.kind}: ${cell.why}`] : [];
};

const absence = ({ family, absent }: SupportRow, style: string): readonly string[] =>
  absent[style] === undefined ? [] : [`- ${family}, ${style}: ${absent[style]}`];
