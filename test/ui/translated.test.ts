import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import ts from 'typescript';

/** Words that the page shows are written where `trans` takes them. These are their places in the code. */
const SHOWN_ATTRIBUTES = new Set([
  'aria-label',
  'aria-roledescription',
  'aria-valuetext',
  'aria-description',
  'title',
  'placeholder',
  'alt'
]);
const SHOWN_PROPERTIES = new Set(['textContent', 'innerText', 'placeholder', 'title', 'ariaLabel']);
/** Of object literals: labels of commands, file types, menus and table columns. */
const SHOWN_FIELDS = new Set(['label', 'caption', 'displayName', 'placeholder']);
const TRANSLATORS = new Set(['__', '_n', '_p', '_np', 'gettext', 'ngettext']);
/** Not words: ids, units, file names, signs of the field ('Q', 'L1H3', 'WebGPU'). */
const isWords = (text: string): boolean => /[a-z]{3}/.test(text.replace(/%\d/g, ''));
/** Labels that are data: formats, and what an analysis itself calls things. */
const NAMES = new Set(['WebGPU', 'WebAssembly', 'onnx', 'JSON']);

const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap(entry =>
    entry.isDirectory() ? filesUnder(join(folder, entry.name)) : [join(folder, entry.name)]
  );

/** String literals and templates in an expression that are not inside a call of a translator. */
function loose(node: ts.Node, found: ts.Node[] = []): ts.Node[] {
  if (ts.isCallExpression(node)) {
    const called = ts.isPropertyAccessExpression(node.expression) ? node.expression.name.text : '';
    if (TRANSLATORS.has(called)) {
      return found;
    }
    // Of other calls only methods of a text pass it on.
    return ts.isPropertyAccessExpression(node.expression) ? loose(node.expression.expression, found) : found;
  }
  if (ts.isStringLiteralLike(node)) {
    found.push(node);
  } else if (ts.isTemplateExpression(node)) {
    found.push(node);
  } else if (ts.isConditionalExpression(node)) {
    [node.whenTrue, node.whenFalse].forEach(branch => loose(branch, found));
  } else if (ts.isBinaryExpression(node) && node.operatorToken.kind !== ts.SyntaxKind.EqualsEqualsEqualsToken) {
    [node.left, node.right].forEach(side => loose(side, found));
  } else if (ts.isParenthesizedExpression(node)) {
    loose(node.expression, found);
  }
  return found;
}

const textOf = (node: ts.Node): string =>
  ts.isStringLiteralLike(node)
    ? node.text
    : ts.isTemplateExpression(node)
      ? [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join(' ')
      : '';

const nameOf = (name: ts.PropertyName): string => (ts.isIdentifier(name) || ts.isStringLiteral(name) ? name.text : '');

/** Expressions whose text the page shows. */
function sinks(node: ts.Node): ts.Expression[] {
  if (ts.isCallExpression(node)) {
    const { expression, arguments: args } = node;
    const called = ts.isIdentifier(expression)
      ? expression.text
      : ts.isPropertyAccessExpression(expression)
        ? expression.name.text
        : '';
    if (called === 'element') {
      const attributes = args[1] && ts.isObjectLiteralExpression(args[1]) ? args[1].properties : [];
      const shown = attributes.flatMap(property =>
        ts.isPropertyAssignment(property) && SHOWN_ATTRIBUTES.has(nameOf(property.name)) ? [property.initializer] : []
      );
      return [...shown, ...args.slice(2)];
    }
    if (called === 'button' || called === 'menuButton' || called === 'fillText') {
      return args.slice(0, 1);
    }
    if (called === 'setAttribute' && args[0] && ts.isStringLiteral(args[0]) && SHOWN_ATTRIBUTES.has(args[0].text)) {
      return args.slice(1, 2);
    }
  }
  if (
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
    ts.isPropertyAccessExpression(node.left) &&
    SHOWN_PROPERTIES.has(node.left.name.text)
  ) {
    return [node.right];
  }
  return ts.isPropertyAssignment(node) && SHOWN_FIELDS.has(nameOf(node.name)) ? [node.initializer] : [];
}

function untranslated(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    for (const sink of sinks(node)) {
      for (const literal of loose(sink)) {
        const words = textOf(literal);
        if (isWords(words) && !NAMES.has(words)) {
          const { line } = source.getLineAndCharacterOfPosition(literal.getStart());
          found.push(`${file}:${line + 1} ${words}`);
        }
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test.each([
  ["element('p', {}, 'some words')", 1],
  ["element('p', {}, trans.__('some words'))", 0],
  ["element('p', { title: 'some words', class: 'some-class' })", 1],
  ["button(x ? 'some words' : trans.__('others'), run)", 1],
  ['button(`words ${x}`, run)', 1],
  ["node.textContent = 'some words'", 1],
  ["node.setAttribute('aria-label', 'some words')", 1],
  ["node.setAttribute('class', 'some words')", 0],
  ["commands.addCommand(ID, { label: 'some words' })", 1],
  ["context.fillText('some words', 0, 0)", 1],
  ["element('span', {}, `L${layer}`)", 0]
])('%s', (code, count) => {
  expect(untranslated('a.ts', code)).toHaveLength(count);
});

test('every string of the page goes through trans', () => {
  const files = ['src/ui', 'src/plugins'].flatMap(filesUnder).filter(file => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(60);
  expect(files.flatMap(file => untranslated(file, readFileSync(file, 'utf8')))).toEqual([]);
});

test('colours of the style sheets are JupyterLab’s variables', () => {
  /** Colours that mean something in figures, or stand on a colour of their own. */
  const ALLOWED = new Set(['#d55e00', '#fff']);
  const found = filesUnder('style')
    .filter(file => file.endsWith('.css'))
    .flatMap(file =>
      [
        ...readFileSync(file, 'utf8').matchAll(
          /:[^;{}]*?(#[0-9a-f]{3,8}\b|\brgba?\([^)]*\)|\b(?:white|black|red|blue|gr[ae]y)\b)/gi
        )
      ].map(([, colour]) => `${file} ${colour.toLowerCase()}`)
    );
  expect(found.filter(line => !ALLOWED.has(line.split(' ')[1]))).toEqual([]);
});
