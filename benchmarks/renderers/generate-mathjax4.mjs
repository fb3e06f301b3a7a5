// Renders formulas.txt with MathJax 4: node generate-mathjax4.mjs chtml|svg >> rendered.jsonl
// (an engine can be set up only once a process).
import fs from 'node:fs';
import { createRequire } from 'node:module';

const MathJax = createRequire(import.meta.url)('mathjax');
const output = process.argv[2];
const formulas = fs
  .readFileSync(new URL('formulas.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.trim());

const engine = await MathJax.init({
  loader: { load: ['input/tex', `output/${output}`, '[tex]/cancel'] },
  tex: { packages: { '[+]': ['cancel'] } },
  options: { enableAssistiveMml: false },
});
for (const [index, tex] of formulas.entries()) {
  const display = index % 2 === 0;
  const convert = output === 'svg' ? engine.tex2svgPromise : engine.tex2chtmlPromise;
  const node = await convert.call(engine, tex, { display });
  // data-latex gives the source away; decoding has to do without it
  const html = engine.startup.adaptor.outerHTML(node).replace(/ data-latex(?:-item)?="[^"]*"/g, '');
  process.stdout.write(JSON.stringify({ renderer: `mathjax4-${output}`, tex, display, html }) + '\n');
}
process.exit(0);
