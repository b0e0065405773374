import { pythonSource } from '../../report/python-source';
import type { CheckedPayload } from '../../report/validate-payload';
import { copyText } from '../copy-text';
import { button, element } from '../element';
import { exportKinds } from './export-kinds';
import type { ExportKind } from './export-output';
import { exportOutput } from './export-output';
import type { MenuItem } from '../menu-button';
import { menuButton } from '../menu-button';
import { isPartial } from './output-run';
import { theoryNote } from '../picker/theory-note';
import { provenanceView } from './provenance-view';
import { saveFile } from '../save-file';
import type { Translate } from '../translate';

export interface FooterOptions {
  readonly checked: CheckedPayload;
  readonly trans: Translate;
  readonly onRun: () => void;
  /** Absent where there is nothing to edit. */
  readonly onEdit?: () => void;
  /** Absent where no text is read. */
  readonly onTry?: () => void;
  /** What it can be compared with. */
  readonly comparisons: () => readonly MenuItem[];
  /** Absent where the host has no such tab. */
  readonly onTab?: () => void;
  /** Words for the output's status line. */
  readonly say: (kind: 'error' | 'note', words: string) => void;
}

/** Under a result: run again, edit, copy, export; then what the result rests on. */
export function outputFooter(options: FooterOptions): readonly HTMLElement[] {
  const { checked, trans, onRun, onEdit, onTry, comparisons, onTab, say } = options;
  const tell = (work: () => Promise<string>): void => {
    void work().then(
      words => say('note', words),
      (error: unknown) => say('error', error instanceof Error ? error.message : String(error))
    );
  };
  const copy = (label: string, text: string, said: string): MenuItem => ({
    label,
    onChoose: () => tell(async () => (await copyText(text), said))
  });
  const { result: _, provenance: __, ...asked } = checked.payload;
  const python = pythonSource(checked);
  const copies = [
    ...(python === undefined ? [] : [copy(trans.__('As Python'), python, trans.__('Python copied.'))]),
    copy(trans.__('As JSON, to run'), JSON.stringify(asked, null, 2), trans.__('JSON of the spec copied.')),
    copy(
      trans.__('As JSON, with the result'),
      JSON.stringify(checked.payload),
      trans.__('JSON with the result copied.')
    )
  ];
  const exports = (): MenuItem[] =>
    exportKinds(checked.analysis.figures(checked.payload.result, checked.spec), trans).map(([kind, label]) => ({
      label,
      onChoose: () => tell(() => save(checked, kind, trans))
    }));
  return [
    element(
      'div',
      { class: 'jp-orrery-toolbar', role: 'group', 'aria-label': trans.__('Actions on this output') },
      button(isPartial(checked) ? trans.__('Continue') : trans.__('Run again'), onRun),
      onEdit && button(trans.__('Edit…'), onEdit),
      onTry && button(trans.__('Try a text…'), onTry),
      menuButton(trans.__('Compare with'), comparisons),
      menuButton(trans.__('Copy'), () => copies),
      menuButton(trans.__('Export'), exports),
      onTab && button(trans.__('Open in a tab'), onTab)
    ),
    theoryNote(checked.analysis.theory, trans),
    provenanceView(checked.payload, trans)
  ];
}

async function save(checked: CheckedPayload, kind: ExportKind, trans: Translate): Promise<string> {
  const files = await exportOutput(checked, kind);
  if (files.length === 0) {
    throw new Error(trans.__('nothing to export: no figure here has the form %1', kind.toUpperCase()));
  }
  files.forEach(({ name, content, type }) => saveFile(name, content, type));
  return trans.__('Saved %1 in the downloads.', files.map(({ name }) => name).join(', '));
}
