// node scripts/docs.mjs [--check]: writes docs/analyses.md from the registry, or says whether it is up to date.
import { build } from 'esbuild';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = `${root}docs/analyses.md`;

const { analyses, jsonSchema, THEORY_CARDS } = await registry();
const text = [
  '# Analyses',
  '',
  'Written by `node scripts/docs.mjs` from `src/analyses/`: change the analysis, not this page.',
  '',
  ...Object.entries(THEORY_CARDS).flatMap(card),
  ...analyses.flatMap(section)
].join('\n');

if (!process.argv.includes('--check')) {
  writeFileSync(page, text);
} else if (readFileSync(page, 'utf8') !== text) {
  console.error('docs/analyses.md is not what the registry says: run node scripts/docs.mjs');
  process.exit(1);
}

async function registry() {
  const outfile = `${root}.cache/docs/registry.mjs`;
  const contents =
    "export { analyses } from './src/analyses'; export { jsonSchema } from './src/analyses/spec/json-schema'; export { THEORY_CARDS } from './src/analyses/theory-cards';";
  const stdin = { contents, resolveDir: root, loader: 'ts' };
  await build({ stdin, outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'warning' });
  return import(pathToFileURL(outfile).href);
}

function card([family, { question, theorems, says, silent }]) {
  return [
    `## Theory: ${family}`,
    '',
    question,
    '',
    ...theorems.map(theorem => `- ${theorem}`),
    '',
    `**What a number says.** ${says}`,
    '',
    `**What it does not say.** ${silent}`,
    ''
  ];
}

function section({ id, title, description, family, measure, theory, spec }) {
  const place = [
    `\`${id}\``,
    `in Python \`model.${id.replaceAll('-', '_')}()\``,
    family,
    ...(measure ? [measure] : [])
  ];
  return [
    `## ${title}`,
    '',
    place.join(' · '),
    '',
    description,
    '',
    `**What the number is** (${theory.kind}). ${theory.statement}`,
    '',
    `**What to beware of.** ${theory.caveat}`,
    '',
    `**References.** ${theory.references.join('; ')}.`,
    '',
    ...fieldTable(jsonSchema(spec).properties)
  ];
}

function fieldTable(properties) {
  const rows = Object.entries(properties).map(([name, field]) => [
    `\`${name}\``,
    kind(field),
    field.default === undefined ? '' : `\`${JSON.stringify(field.default)}\``,
    field.description
  ]);
  return rows.length ? [...markdownTable(['field', 'type', 'default', 'meaning'], rows), ''] : [];
}

function kind({ anyOf, ...field }) {
  return anyOf ? `${kind(anyOf[0])} or a [set](prompts.md)` : plain(field);
}

function plain({ type, items, enum: options, minimum, maximum }) {
  const words = {
    string: 'text',
    array: `list of ${items?.type === 'object' ? 'prompt' : items?.type}s`,
    integer: 'integer',
    number: 'number',
    boolean: 'true or false'
  };
  return options
    ? options.map(option => `\`${option}\``).join(' or ')
    : words[type] + (minimum === undefined ? '' : `, ${minimum} to ${maximum}`);
}

/** As prettier lays tables out. */
function markdownTable(head, rows) {
  const cells = [head, ...rows].map(row => row.map(cell => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, i) => Math.max(3, ...cells.map(row => row[i].length)));
  const line = row => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  return [line(cells[0]), line(widths.map(width => '-'.repeat(width))), ...cells.slice(1).map(line)];
}
