// docs/real.md from the comparisons.
const HEAD = `# Real models against Hugging Face

Written by \`npm run test:real\`, which fails when a row does not hold; with names of models, their sections alone are measured again. The models are those of \`npm run models\`: MiniLM-L6 (encoder, 6 layers × 12 heads)
and SmolLM2-135M-Instruct (decoder, 30 layers × 9 heads, 3 of keys and values), the latter in fp32 and as its own 4-bit blocks; and both as other
exporters and precisions write them.
The reference is the same weights in Hugging Face transformers with eager attention in fp32; what is derived from attentions and logits is computed there with
NumPy and SciPy in double precision. "Deviation" is the largest absolute difference over all layers, heads and positions.
The tolerances are limits against regressions, about ten times what the first run showed, not predictions made before it.
`;

/** The page with these sections; of models that were not run now it keeps what `earlier`, the page as it was, says. */
export function writeTable(sections, titles, earlier) {
  const kept = earlier.split(/^(?=## )/m).slice(1);
  const found = [...sections.map(section), ...kept.map(text => text.trimEnd() + '\n')];
  const chosen = titles.map(title => found.find(text => text.startsWith(`## ${title}\n`))).filter(Boolean);
  return [HEAD, ...chosen].join('\n');
}

function section({ model, runtime, seconds, memory, rows, hooks }) {
  const times = Object.entries(seconds).map(([name, value]) => `${name} ${value.toFixed(1)} s`);
  const opening = 'open' in seconds ? '' : ', opening and certifying the model included';
  return [
    `## ${model}, ${runtime}`,
    '',
    ...(hooks ? [`Hooks: ${hooks}.`, ''] : []),
    '| what | reference | max. deviation | tolerance | unit | reason | holds |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(line),
    '',
    `Time${opening}: ${times.join(', ')}.`,
    ...(memory ? ['', memoryWords(memory)] : []),
    ''
  ].join('\n');
}

const megabytes = bytes => `${(bytes / 1e6).toFixed(0)} MB`;

const memoryWords = ({ opened, examined, peak }) =>
  `Memory: WebAssembly's ${megabytes(opened)} once the model was open and certified, ${megabytes(examined)} after all analyses; the process of the page and its worker ${megabytes(peak)} at its peak.`;

const number = value => (value === 0 ? '0' : value.toExponential(1));

function line({ what, reference, deviation, tolerance, unit, reason, holds }) {
  const cells = [what, reference, number(deviation), number(tolerance), unit, reason, holds ? 'yes' : 'NO'];
  return `| ${cells.join(' | ')} |`;
}
