import type { Figure } from '../figures/figure';
import type { Picture } from './html';
import { escapeHtml, figureHtml, theoryHtml } from './html';
import { specLines } from './spec-lines';
import { MIME_TYPE } from './payload';
import type { CheckedPayload } from './validate-payload';
import { provenanceLine } from './provenance';

/** An output as a notebook saves it. */
export interface Bundle {
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** What did not fit the budget, in words. */
  readonly leftOut: readonly string[];
}

export interface BundleOptions {
  /** One for each figure, in their order; undefined where none was drawn. */
  readonly pictures?: readonly (Picture | undefined)[];
  /** Bytes of all representations together. */
  readonly budget?: number;
}

export const DEFAULT_BUDGET = 300_000;

/** What is kept; each step leaves out what its predecessors did, and `loses`. */
interface Level {
  readonly loses?: string;
  /** Pictures inside the page. */
  readonly inPage: number;
  readonly png: boolean;
  readonly rows: number;
}

const LEVELS: readonly Level[] = [
  { inPage: Infinity, png: true, rows: 50 },
  { loses: 'pictures after the first', inPage: 1, png: true, rows: 50 },
  { loses: 'table rows after the tenth', inPage: 1, png: true, rows: 10 },
  { loses: 'the picture inside the page', inPage: 0, png: true, rows: 10 },
  { loses: 'the picture', inPage: 0, png: false, rows: 10 },
  { loses: 'the tables', inPage: 0, png: false, rows: 0 }
];

/**
 * The MIME bundle: our type, text/html, text/plain, and image/png where a picture was drawn. What does not fit the budget
 * is left out, and said; throws when the result alone is larger.
 */
export function makeBundle(
  checked: CheckedPayload,
  { pictures = [], budget = DEFAULT_BUDGET }: BundleOptions = {}
): Bundle {
  pictures.forEach(checkPicture);
  let bytes = 0;
  for (let i = 0; i < LEVELS.length; i++) {
    const leftOut = LEVELS.slice(1, i + 1).flatMap(({ loses }) => loses ?? []);
    const data = represent(checked, pictures, LEVELS[i], leftOut);
    bytes = new TextEncoder().encode(JSON.stringify(data)).length;
    if (bytes <= budget) {
      return { data, metadata: metadata(checked, pictures, LEVELS[i]), leftOut };
    }
  }
  throw new Error(
    `output of ${checked.analysis.id}: ${bytes} bytes are more than the ${budget} allowed, even without pictures and tables`
  );
}

function checkPicture(picture: Picture | undefined, index: number): void {
  if (picture && !/^[A-Za-z0-9+/]+={0,2}$/.test(picture.png)) {
    throw new Error(`picture of figure ${index}: not base64`);
  }
}

function represent(
  checked: CheckedPayload,
  pictures: readonly (Picture | undefined)[],
  level: Level,
  leftOut: readonly string[]
): Record<string, unknown> {
  const { payload } = checked;
  const plain = { [MIME_TYPE]: payload };
  if (payload.result === undefined) {
    return { ...plain, 'text/plain': announcement(checked) };
  }
  const first = level.png ? pictures.find(picture => picture) : undefined;
  return {
    ...plain,
    ...(first ? { 'image/png': first.png } : {}),
    'text/html': page(checked, pictures, level, leftOut),
    'text/plain': words(checked, leftOut)
  };
}

/** Of a spec that was not run. */
function announcement({ analysis, payload }: CheckedPayload): string {
  return `${analysis.title} of ${payload.model.path ?? 'a model'}: not run yet. ${analysis.description}`;
}

const lossWords = (leftOut: readonly string[]): string =>
  leftOut.length ? `Left out to keep the output small: ${leftOut.join(', ')}.` : '';

function words({ analysis, payload, spec }: CheckedPayload, leftOut: readonly string[]): string {
  return [analysis.summary(payload.result, spec), provenanceLine(payload), lossWords(leftOut)]
    .filter(Boolean)
    .join('\n');
}

function figuresOf({ analysis, payload, spec }: CheckedPayload): readonly Figure[] {
  return payload.result === undefined ? [] : analysis.figures(payload.result, spec);
}

function page(
  checked: CheckedPayload,
  pictures: readonly (Picture | undefined)[],
  level: Level,
  leftOut: readonly string[]
): string {
  const note = provenanceLine(checked.payload);
  const drawn = figuresOf(checked).map((figure, i) =>
    figureHtml(figure, i ? '' : note, {
      rows: level.rows,
      ...(pictures[i] && i < level.inPage ? { picture: pictures[i] } : {})
    })
  );
  const asked = specLines(checked, true).map(line => `<p>${escapeHtml(line)}</p>`);
  const theory = level.rows > 0 ? theoryHtml(checked.analysis.theory) : '';
  return `<div class="orrery-output">${asked.join('')}${drawn.join('')}${theory}${leftOut.length ? `<p>${escapeHtml(lossWords(leftOut))}</p>` : ''}</div>`;
}

/** Size and words for those who show the picture by itself. */
function metadata(
  checked: CheckedPayload,
  pictures: readonly (Picture | undefined)[],
  level: Level
): Record<string, unknown> {
  const at = pictures.findIndex(picture => picture);
  const figure = figuresOf(checked)[at];
  const picture = pictures[at];
  return level.png && picture && figure
    ? { 'image/png': { width: picture.width, height: picture.height, alt: figure.alt } }
    : {};
}
