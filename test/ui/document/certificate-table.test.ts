import { IDENTITIES } from '../../../src/anatomy/certificate/identities';
import { certificateTable } from '../../../src/ui/document/certificate-table';
import { identityMeanings } from '../../../src/ui/document/identity-meanings';
import { trans } from '../translate';

test('every identity says what it means', () => {
  const meanings = identityMeanings(trans);
  expect(IDENTITIES.map(({ name }) => name).filter(name => !(name in meanings))).toEqual([]);
});

test('an error of nothing is 0, others are powers of ten', () => {
  const identity = (error: number, tolerance: number) => ({
    name: 'hooks-are-finite',
    error,
    tolerance,
    holds: true
  });
  const { rows } = certificateTable(
    { identities: [identity(0, 0), identity(2.13e-7, 5e-5)], forwards: 3, probe: [[1]] } as never,
    trans
  );
  expect(rows.map(({ cells }) => [cells[1].text, cells[2].text])).toEqual([
    ['0', '0'],
    ['2.1e-7', '5e-5']
  ]);
});
