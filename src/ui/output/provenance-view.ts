import type { Payload } from '../../report/payload';
import { bytesText } from '../bytes-text';
import { element } from '../element';
import { deviceWords } from './device-words';
import { tokenCount } from './token-count';
import type { Translate } from '../translate';

/** One line of what a result rests on, in pieces that do not break; all of it under a click. */
export function provenanceView({ model, seed, result, provenance }: Payload, trans: Translate): HTMLElement {
  if (!provenance) {
    return element('div', { class: 'jp-orrery-provenance' });
  }
  const { modelHash, tokenizerHash, dtypes, runtime, threads, version, created, seconds } = provenance;
  const name = model.path ?? trans.__('a dropped file');
  const time = localTime(created);
  const tokens = tokenCount(result);
  const line = [
    `${name} @ ${modelHash.slice(0, 13)}…`,
    ...(tokens === undefined ? [] : [trans._n('%1 token', '%1 tokens', tokens)]),
    trans.__('%1 s', Number(seconds.toPrecision(3))),
    deviceWords(runtime, threads, trans),
    time
  ].map((text, i) => element('span', {}, i ? `· ${text}` : text));
  const pairs: readonly (readonly [string, string])[] = [
    [trans.__('model'), `${name}, ${modelHash}`],
    [
      trans.__('weights'),
      Object.entries(dtypes)
        .map(([type, bytes]) => `${type} ${bytesText(bytes)}`)
        .join(', ')
    ],
    [trans.__('tokenizer'), tokenizerHash ?? trans.__('none')],
    [trans.__('seed'), String(seed)],
    [trans.__('runtime'), trans._n('%2, %1 thread', '%2, %1 threads', threads, runtime)],
    [trans.__('extension'), `orrery ${version}`],
    [trans.__('time'), `${created}, ${trans.__('%1 s', seconds)}`]
  ];
  return element(
    'details',
    { class: 'jp-orrery-provenance' },
    element('summary', { 'aria-label': trans.__('Provenance: %1, %2', name, time) }, ...line),
    element('dl', {}, ...pairs.flatMap(([label, value]) => [element('dt', {}, label), element('dd', {}, value)]))
  );
}

/** In the reader's own way; as it stands where it is no date. */
function localTime(created: string): string {
  const date = new Date(created);
  return Number.isNaN(date.getTime())
    ? created
    : date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}
