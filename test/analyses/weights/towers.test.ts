import { weightSpectra } from '../../../src/analyses/weights/weight-spectra';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { openFile, run } from '../circuits/lens';

test.each([
  ['t5', 'torchscript', 'encoder', 'decoder'],
  ['whisper', 'dynamo', 'encoder', 'decoder'],
  ['clip', 'dynamo', 'text', 'vision']
] as const)('%s/%s: the weights of either tower, named in the result', async (family, style, first, second) => {
  const subject = await openFile(family, style);
  const found = await Promise.all([first, second].map(tower => run(weightSpectra, subject, { tower })));
  found.forEach((result, at) => {
    const tower = [first, second][at];
    const saved = weightSpectra.validateResult(JSON.parse(JSON.stringify(result)));
    expect(saved.tower).toBe(tower);
    expect(saved.left).toEqual([]);
    expect(weightSpectra.summary(saved, validateSpec(weightSpectra, {}))).toContain(`Weight spectra of the ${tower}: `);
  });
  const spectra = found.map(({ matrices }) => matrices.map(({ spectral }) => spectral));
  expect(spectra[0]).not.toEqual(spectra[1]);
  await subject.close();
});

test('a tower that the model has not is refused by name', async () => {
  const subject = await openFile('clip', 'dynamo');
  await expect(run(weightSpectra, subject, { tower: 'decoder' })).rejects.toThrow("tower unknown: 'decoder'");
  await subject.close();
});
