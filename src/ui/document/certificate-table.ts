import type { Certificate, Identity } from '../../anatomy/certificate/certificate';
import type { Row, TableFigure } from '../../figures/figure';
import type { Translate } from '../translate';
import { identityMeanings } from './identity-meanings';

/** Every identity, what it says, whether it holds, and why it was not computed or where it fails. */
export function certificateTable({ identities, forwards, probe }: Certificate, trans: Translate): TableFigure {
  const meanings = identityMeanings(trans);
  const held = identities.filter(({ holds }) => holds).length;
  return {
    kind: 'table',
    title: trans.__('Certificate: %1 of %2 identities hold', held, identities.length),
    caption: trans.__(
      'One side of each identity is a tensor of the file, run on a probe of %1 tokens (%2 forwards); the other is computed from the weights in double precision. The error is the largest deviation, relative to the largest value.',
      probe.reduce((sum, row) => sum + row.length, 0),
      forwards
    ),
    alt: trans.__('Certificate: %1 of %2 identities hold.', held, identities.length),
    corner: trans.__('identity'),
    columns: [
      { label: trans.__('holds') },
      { label: trans.__('error'), align: 'end' },
      { label: trans.__('allowed'), align: 'end' },
      { label: trans.__('what it says') }
    ],
    rows: identities.map(identity => identityRow(identity, meanings[identity.name] ?? '', trans))
  };
}

function identityRow(
  { name, error, tolerance, holds, at, fails, why }: Identity,
  meaning: string,
  trans: Translate
): Row {
  const where = fails && fails.length > 1 ? fails.slice(0, 4).join(', ') + (fails.length > 4 ? ', …' : '') : at;
  const reason = why ?? (holds || where === undefined ? undefined : trans.__('fails at %1', where));
  return {
    label: name,
    cells: [
      { text: holds ? trans.__('✓ yes') : why ? trans.__('– not checked') : trans.__('✗ no'), bold: !holds },
      { text: why === undefined && Number.isFinite(error) ? powerOfTen(error, 1) : '–' },
      { text: powerOfTen(tolerance, 0) },
      { text: [reason, meaning].filter(Boolean).join(': ') }
    ]
  };
}

const powerOfTen = (value: number, digits: number): string => (value === 0 ? '0' : value.toExponential(digits));
