// TeX to MathML by MathJax 3: JSON strings in, one a line; JSON strings of MathML out, "" for errors.
//
//     node to_mathml.cjs FOLDER < formulas.jsonl
//
// FOLDER holds `node_modules/mathjax-full` (npm install mathjax-full@3).
const path = require("path");
const readline = require("readline");
const js = (name) => require(path.resolve(process.argv[2], "node_modules/mathjax-full/js", name));
const { mathjax } = js("mathjax.js");
const { TeX } = js("input/tex.js");
const { liteAdaptor } = js("adaptors/liteAdaptor.js");
const { RegisterHTMLHandler } = js("handlers/html.js");
const { SerializedMmlVisitor } = js("core/MmlTree/SerializedMmlVisitor.js");
const { STATE } = js("core/MathItem.js");
const { AllPackages } = js("input/tex/AllPackages.js");
RegisterHTMLHandler(liteAdaptor());
const packages = AllPackages.filter((name) => name !== "noerrors" && name !== "noundefined" && name !== "bussproofs");
// Commands of LaTeX and of common packages (stmaryrd, undertilde, esint) that MathJax does not have.
const macros = {
  llbracket: "⟦", rrbracket: "⟧", oiint: "∯", oiiint: "∰", AA: "Å", P: "¶", pounds: "£", L: "Ł",
  ae: "æ", AE: "Æ", oe: "œ", iddots: "⋰", utilde: ["\\underset{\\sim}{#1}", 1],
  overleftharpoon: ["\\overset{\\leftharpoonup}{#1}", 1], widecheck: ["\\check{#1}", 1],
};
const visitor = new SerializedMmlVisitor();
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  let mathml = "";
  try {
    // A document a formula, so that no label or macro of one reaches the next.
    const document = mathjax.document("", { InputJax: new TeX({ packages, macros: { ...macros } }) });
    mathml = visitor.visitTree(document.convert(JSON.parse(line), { display: true, end: STATE.CONVERT }));
    if (mathml.includes("<merror")) mathml = "";
  } catch (error) {}
  console.log(JSON.stringify(mathml));
});
