import type { CheckedPayload } from '../../report/validate-payload';
import type { ModelClient } from '../../worker/client';
import type { Link } from '../linking/linking';
import type { MenuItem } from '../menu-button';
import type { Output } from './output-run';
import type { OutputServices } from '../services';
import { compareMenu } from './compare-menu';
import { Comparison } from './comparison';
import { followSource } from './follow-source';
import { LiveText } from './live-text';
import type { OutputPlace } from './output-place';
import { madeBundle } from './run-payload';

/** What an output lends to what is tried in it. */
export interface Bench {
  readonly body: HTMLElement;
  readonly services: OutputServices;
  readonly notebook: () => string;
  readonly output: () => Output;
  readonly place: () => OutputPlace | undefined;
  /** Throws a sentence where the model's place is not found. */
  readonly clientOf: (checked: CheckedPayload) => ModelClient;
  readonly linkOf: (checked: CheckedPayload) => Link;
  /** Draws a result in place of what is shown. */
  readonly redraw: (checked: CheckedPayload) => void;
  /** Words for the output's status line. */
  readonly say: (kind: 'error', words: string) => void;
  /** Adds an analysis below this output's cell. */
  readonly insert: (payload: CheckedPayload['payload']) => void;
}

/** What is tried in an output and changes nothing of it until it is kept: another text, a comparison. */
export class Experiments {
  constructor(private readonly _bench: Bench) {}

  /** The figures follow a text that is typed. */
  tryText(checked: CheckedPayload): void {
    const { body, services, notebook, clientOf, redraw } = this._bench;
    this.end();
    this._live = new LiveText({
      checked,
      client: () => clientOf(checked),
      notebook: notebook(),
      services,
      onResult: redraw,
      onKeep: done => this._keep(checked, done),
      onBack: () => {
        this._endLive();
        redraw(checked);
      }
    });
    body.before(this._live.node);
    this._live.focus();
  }

  /** What the result can be compared with. */
  comparisons(checked: CheckedPayload, client: ModelClient | undefined): readonly MenuItem[] {
    const { services, notebook, place, say } = this._bench;
    return compareMenu({
      checked,
      client,
      notebook: notebook(),
      services,
      siblings: () => place()?.siblings() ?? [],
      onChoose: other => this._compare(checked, other),
      onFault: words => say('error', words)
    });
  }

  recolour(): void {
    this._comparison?.recolour();
  }

  end(): void {
    this._endLive();
    this._comparison?.dispose();
    this._comparison?.node.remove();
    this._comparison = undefined;
    this._bench.body.hidden = false;
  }

  private _compare(checked: CheckedPayload, other: CheckedPayload): void {
    const { body, services, notebook, clientOf, linkOf, insert } = this._bench;
    this.end();
    this._comparison = new Comparison({
      checked,
      other,
      client: () => clientOf(other),
      notebook: notebook(),
      services,
      linkOf,
      onKeep: kept => insert(kept.payload),
      onClose: () => this.end()
    });
    body.hidden = true;
    body.after(this._comparison.node);
  }

  private async _keep(before: CheckedPayload, done: CheckedPayload): Promise<void> {
    const { output, place, services } = this._bench;
    const bundle = await madeBundle(done, services);
    followSource(place()?.source, before, done);
    output().setData(bundle);
  }

  private _endLive(): void {
    this._live?.dispose();
    this._live?.node.remove();
    this._live = undefined;
  }

  private _live: LiveText | undefined;
  private _comparison: Comparison | undefined;
}
