import { element } from '../element';
import type { OutputRun } from './output-run';
import { progressLine } from '../progress-line';
import type { Translate } from '../translate';

/** What an output says of its run: progress with Cancel, why it failed, what was kept; else nothing. */
export class StateLine {
  readonly node = element('div', { class: 'jp-orrery-status' });

  constructor(private readonly _trans: Translate) {}

  show(run: OutputRun | undefined): void {
    const state = run?.state;
    if (state?.kind === 'running') {
      const progress = state.progress ?? { done: 0, total: 0, label: this._trans.__('starting') };
      progressLine(this.node, progress, this._trans, () => run?.cancel());
    } else if (state?.kind === 'failed') {
      const { kept, message } = state;
      const words = kept ? this._trans.__('%1. What was done is kept: Continue goes on from it.', message) : message;
      this.say('error', words);
    } else if (state?.kind === 'cancelled') {
      const kept = this._trans.__('Cancelled: what was done is kept.');
      this.say('note', state.kept ? kept : this._trans.__('Cancelled: nothing was changed.'));
    } else {
      this.node.replaceChildren();
    }
  }

  say(kind: 'error' | 'note', words: string): void {
    const role = kind === 'error' ? 'alert' : 'status';
    this.node.replaceChildren(element('div', { class: `jp-orrery-${kind}`, role }, words));
  }
}
