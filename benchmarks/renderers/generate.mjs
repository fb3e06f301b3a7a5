// Renders every line of formulas.txt with each renderer and prints one JSON object a line:
// {"renderer", "tex", "display", "html"}. Run: npm install && npm run generate
import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const formulas = fs
  .readFileSync(new URL('formulas.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.trim());

function emit(renderer, tex, display, html) {
  process.stdout.write(JSON.stringify({ renderer, tex, display, html }) + '\n');
}

function each(renderer, render) {
  formulas.forEach((tex, index) => {
    const display = index % 2 === 0;
    try {
      emit(renderer, tex, display, render(tex, display));
    } catch (error) {
      process.stderr.write(`${renderer}: ${tex}: ${error.message}\n`);
    }
  });
}

for (const name of ['katex', 'katex-new']) {
  const katex = (await import(name)).default;
  for (const output of ['html', 'mathml']) {
    each(`${name}-${output}`, (tex, displayMode) =>
      katex.renderToString(tex, { output, displayMode, throwOnError: true, strict: false }));
  }
}

const temml = (await import('temml')).default;
each('temml', (tex, displayMode) => temml.renderToString(tex, { displayMode, throwOnError: true }));

{
  const { mathjax } = require('mathjax-full/js/mathjax.js');
  const { TeX } = require('mathjax-full/js/input/tex.js');
  const { CHTML } = require('mathjax-full/js/output/chtml.js');
  const { SVG } = require('mathjax-full/js/output/svg.js');
  const { liteAdaptor } = require('mathjax-full/js/adaptors/liteAdaptor.js');
  const { RegisterHTMLHandler } = require('mathjax-full/js/handlers/html.js');
  const { AllPackages } = require('mathjax-full/js/input/tex/AllPackages.js');
  const { SerializedMmlVisitor } = require('mathjax-full/js/core/MmlTree/SerializedMmlVisitor.js');
  const { STATE } = require('mathjax-full/js/core/MathItem.js');
  const adaptor = liteAdaptor();
  RegisterHTMLHandler(adaptor);
  const document = (output) =>
    mathjax.document('', { InputJax: new TeX({ packages: AllPackages }), OutputJax: output });
  const outputs = {
    'mathjax3-chtml': new CHTML({ fontURL: '' }),
    'mathjax3-svg': new SVG({ fontCache: 'local' }),
    'mathjax3-svg-paths': new SVG({ fontCache: 'none' }),
  };
  for (const [renderer, output] of Object.entries(outputs)) {
    const doc = document(output);
    each(renderer, (tex, display) => adaptor.outerHTML(doc.convert(tex, { display })));
  }
  const doc = document(new SVG());
  const visitor = new SerializedMmlVisitor();
  each('mathjax3-mathml', (tex, display) =>
    visitor.visitTree(doc.convert(tex, { display, end: STATE.CONVERT })));
}
