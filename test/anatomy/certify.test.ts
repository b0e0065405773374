import { recognise } from '../../src/anatomy/recognise';
import { certified } from './certificate';
import { fixtures, openModel } from './fixtures';

describe('the quick certificate of a right anatomy', () => {
  test.each(fixtures().map(fixture => [`${fixture.family}/${fixture.style}`, fixture] as const))(
    '%s: every identity holds, every hook is verified',
    async (_, { family, style }) => {
      const { model, weights } = openModel(family, style);
      const { certificate, anatomy } = await certified(model, weights, recognise(model, weights));
      console.log(certificate.identities.map(i=>`${i.name} ${i.error} ${i.tolerance} ${i.why??''}`).join('\n'));
      expect(certificate.identities.filter(({ holds }) => !holds)).toEqual([]);
      expect(anatomy.hooks.filter(({ status }) => status !== 'verified').map(h=>`${h.name} ${h.why}`)).toEqual([]);
    }
  );
});
