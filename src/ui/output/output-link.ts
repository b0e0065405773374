import type { HeadPlace } from '../../figures/part-names';
import type { CheckedPayload } from '../../report/validate-payload';
import { ablationOf } from '../linking/ablation-of';
import { closerLook } from '../linking/closer-look';
import { cardOf, hasHeadCard } from '../linking/head-card';
import { letGoOnEscape } from '../linking/let-go-on-escape';
import { linkBar } from '../linking/link-bar';
import type { Link } from '../linking/linking';
import { Linking } from '../linking/linking';
import type { ModelClient } from '../../worker/client';
import { costWords } from '../cost-words';
import type { Translate } from '../translate';

export interface OutputLinkOptions {
  /** The output's node. */
  readonly node: HTMLElement;
  readonly trans: Translate;
  readonly notebook: () => string;
  /** Adds an analysis below the output's cell. */
  readonly insert: (payload: CheckedPayload['payload']) => void;
  /** Of the output; undefined where the model's place is not found. */
  readonly clientOf: (checked: CheckedPayload) => ModelClient | undefined;
}

/** An output's part in what the outputs of its model share. */
export class OutputLink {
  constructor(private readonly _options: OutputLinkOptions) {
    letGoOnEscape(_options.node, () => this._linking);
  }

  /** With the other outputs of the same model in this notebook. */
  of({ payload: { model, provenance } }: CheckedPayload): Link {
    const key = provenance?.modelHash ?? model.hash ?? `path ${model.path}`;
    return { linking: Linking.of(this._options.notebook(), key), keeper: this };
  }

  /** Says in `header` what is kept here, from now on. */
  show(checked: CheckedPayload, header: HTMLElement): void {
    this.end();
    const { trans, insert } = this._options;
    const link = this.of(checked);
    const onOpenCard = (head: HeadPlace): void => insert(cardOf(checked.payload, head));
    const look = closerLook(checked.payload);
    const onAblate = (heads: readonly HeadPlace[]): void => insert(ablationOf(checked.payload, heads));
    const ablationCost = async (heads: readonly HeadPlace[]): Promise<string | undefined> => {
      const client = this._options.clientOf(checked);
      const { analysis, spec } = ablationOf(checked.payload, heads);
      const cost = client?.opened && (await client.cost(analysis, spec, {}).catch(() => undefined));
      return cost && costWords(cost, trans);
    };
    const { node, end } = linkBar({
      ...link,
      trans,
      ...(look && { onLookCloser: (head: HeadPlace) => insert(look(head)) }),
      ...(hasHeadCard() && { onOpenCard }),
      onAblate,
      ablationCost
    });
    this._linking = link.linking;
    this._end = end;
    header.append(node);
    this._bar = node;
  }

  end(): void {
    this._end?.();
    this._bar?.remove();
  }

  private _linking: Linking | undefined;
  private _end: (() => void) | undefined;
  private _bar: HTMLElement | undefined;
}
