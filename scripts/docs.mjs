// node scripts/docs.mjs [--check]: writes docs/analyses.md from the registry and the table of docs/fused.md from the decomposers' rows,
// or says whether they are up to date.
import { build } from 'esbuild';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const { analyses, jsonSchema, THEORY_CARDS, TABLE } = await registry();
const registryPage = [
  '# Analyses',
  '',
  'Written by `node scripts/docs.mjs` from `src/analyses/`: change the analysis, not this page.',
  '',
  ...Object.entries(THEORY_CARDS).flatMap(card),
  ...analyses.flatMap(section)
].join('\n');

const MARKS = ['<!-- operators: written by node scripts/docs.mjs -->', '<!-- /operators -->'];
const fused = readFileSync(`${root}docs/fused.md`, 'utf8');
const [before, after] = [fused.split(MARKS[0])[0], fused.split(MARKS[1])[1]];

const PAGES = {
  'docs/analyses.md': registryPage,
  'docs/fused.md': [before, MARKS[0], '\n\n', operatorTable([...TABLE.values()]), '\n\n', MARKS[1], after].join('')
};

for (const [page, text] of Object.entries(PAGES)) {
  if (!process.argv.includes('--check')) {
    writeFileSync(`${root}${page}`, text);
  } else if (readFileSync(`${root}${page}`, 'utf8') !== text) {
    console.error(`${page} is not what the code says: run node scripts/docs.mjs`);
    process.exit(1);
  }
}

async function registry() {
  const outfile = `${root}.cache/docs/registry.mjs`;
  const contents =
    "export { analyses } from './src/analyses'; export { jsonSchema } from './src/analyses/spec/json-schema'; export { THEORY_CARDS } from './src/analyses/theory-cards';" +
    "export { TABLE } from './src/graph/decompose/table';";
  const stdin = { contents, resolveDir: root, loader: 'ts' };
  await build({ stdin, outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'warning' });
  return import(pathToFileURL(outfile).href);
}

/** One row an operator: inputs and attributes that are understood, and the sentences that refuse the others. */
function operatorTable(rows) {
  const cell = parts => parts.join('; ').replaceAll('|', '\\|');
  const lines = [...new Set(rows)].map(
    ({ domains, type, inputs, attributes, only = {}, because = {}, limits = [] }) => {
      const names = inputs.map(name => name.replace('?', ''));
      const values = Object.entries(only).map(([name, allowed]) => `\`${name}\` ${allowed.join(', ')}`);
      const unused = names.filter(name => name in because);
      const refused = [
        ...unused.map(name => `its input '${name}' ('…') is not understood (${because[name]})`),
        ...Object.entries(only).flatMap(([name, allowed]) =>
          because[name] ? onlySentence(name, allowed, because[name]) : []
        ),
        ...limits
      ];
      const place = domains.map(domain => domain || 'ai.onnx').join(', ');
      const served = names.filter(name => !unused.includes(name));
      return `| \`${type}\` (${place}) | ${served.join(', ')} | ${cell([...attributes.map(name => `\`${name}\``), ...values])} | ${cell(refused)} |`;
    }
  );
  return ['| operator | inputs | attributes | refused |', '|---|---|---|---|', ...lines].join('\n');
}

function onlySentence(name, allowed, why) {
  const verb = allowed.length === 1 ? 'is' : 'are';
  return `its attribute '${name}' is …, only ${allowed.join(' and ')} ${verb} understood (${why})`;
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
