import type { CheckedPayload } from '../../report/validate-payload';
import { validatePayload } from '../../report/validate-payload';
import type { ModelClient } from '../../worker/client';
import type { MenuItem } from '../menu-button';
import type { OutputServices } from '../services';
import { specLines } from '../../report/spec-lines';
import type { Sibling } from './output-place';

export interface CompareMenuOptions {
  readonly checked: CheckedPayload;
  /** Of the output; undefined where the model's place is not found. */
  readonly client: ModelClient | undefined;
  readonly notebook: string;
  readonly services: OutputServices;
  readonly siblings: () => readonly Sibling[];
  /** Another spec, model or result of the same analysis. */
  readonly onChoose: (other: CheckedPayload) => void;
  readonly onFault: (words: string) => void;
}

/** Outputs that are offered. */
const MOST = 20;

/** What a result can be compared with: the same with another spec or model, or another output of the same analysis. */
export function compareMenu(options: CompareMenuOptions): readonly MenuItem[] {
  const { checked, notebook, services, siblings, onChoose, onFault } = options;
  const { trans } = services;
  const { analysis, seed, spec } = checked.payload;
  const edited = async (): Promise<void> => {
    const { editSpec } = await import('../picker/edit-spec');
    const other = await editSpec(checked, { services, client: options.client });
    if (other) {
      onChoose(validatePayload({ analysis, seed, ...other }));
    }
  };
  const otherModel = async (): Promise<void> => {
    const path = await services.choose(notebook);
    if (path !== undefined) {
      onChoose(validatePayload({ analysis, model: { path }, seed, spec }));
    }
  };
  const tell = (work: Promise<void>): void =>
    void work.catch((error: unknown) => onFault(error instanceof Error ? error.message : String(error)));
  const found = siblings().flatMap(({ cell, content }) => {
    const other = sameAnalysis(checked, content);
    return other ? [{ label: trans.__('Cell %1: %2', cell, said(other)), onChoose: () => onChoose(other) }] : [];
  });
  return [
    ...(Object.keys(checked.analysis.spec).length
      ? [{ label: trans.__('Another text or setting…'), onChoose: () => tell(edited()) }]
      : []),
    { label: trans.__('Another model…'), onChoose: () => tell(otherModel()) },
    ...found.slice(0, MOST)
  ];
}

const said = (checked: CheckedPayload): string =>
  [checked.payload.model.path ?? '', ...specLines(checked)].join(', ').slice(0, 80);

/** A saved result of the same analysis that is not this one. */
function sameAnalysis({ analysis, payload }: CheckedPayload, content: unknown): CheckedPayload | undefined {
  try {
    const other = validatePayload(content);
    const isOther = JSON.stringify(other.payload) !== JSON.stringify(payload);
    return other.analysis === analysis && other.payload.result !== undefined && isOther ? other : undefined;
  } catch {
    return undefined;
  }
}
