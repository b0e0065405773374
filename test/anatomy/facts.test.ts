import { recognise } from '../../src/anatomy/recognise';
import { fixtures, openModel } from './fixtures';

describe('facts of the anatomy', () => {
  test.each(fixtures().map(fixture => [`${fixture.family}/${fixture.style}`, fixture] as const))(
    '%s',
    (_, { family, style, facts }) => {
      const { model, weights } = openModel(family, style);
      const { towers, refusals, unresolved, hooks } = recognise(model, weights);
      expect({ refusals, unresolved }).toEqual({ refusals: [], unresolved: [] });
      const [{ blocks, embedding, head, ...tower }] = towers;
      expect(tower).toEqual(facts.tower);
      const names=new Set(hooks.map(h=>h.name));
      console.log(family,style,'missing',facts.hooks.filter(n=>!names.has(n)&&n!=='logits'), 'extra', [...names].filter(n=>!facts.hooks.includes(n)).slice(0,5));
    }
  );
});
