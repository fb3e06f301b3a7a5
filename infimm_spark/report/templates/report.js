"use strict";
// The sliders: counts of each class of a score are in the page; sums over them answer at once.
const scores = JSON.parse(document.getElementById("scores").textContent);
const number = new Intl.NumberFormat("en");

for (const figure of document.querySelectorAll(".score")) {
  const score = scores[figure.dataset.score];
  const slider = figure.querySelector("input[type=range]");
  const language = figure.querySelector("select");
  const line = figure.querySelector("line.threshold");
  figure.querySelector(".slider").hidden = false;

  const sum = (name, from, to) => {
    let total = 0;
    for (const [code, counts] of Object.entries(score.languages)) {
      if (language && language.value && language.value !== code) continue;
      for (let i = from; i < to; i++) total += counts[name][i];
    }
    return total;
  };

  const answer = () => {
    const at = Number(slider.value), all = score.classes;
    const [from, to] = score.keeps === "at most" ? [0, at] : [at, all];
    const passes = sum("kept", from, to) + sum("dropped", from, to);
    const total = sum("kept", 0, all) + sum("dropped", 0, all);
    const value = (at / all).toFixed(3).replace(/0+$/, "").replace(/\.$/, "");
    const share = total ? (100 * passes / total).toFixed(1) + " %" : "–";
    figure.querySelector("output").textContent = value;
    if (line) {
      const x = 46 + at / all * (440 - 46 - 10);
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
    }
    let said = `${number.format(passes)} of ${number.format(total)} (${share}) `;
    if (score.keeps === "removes") said += "of the removed near-duplicates would still be removed.";
    else {
      const corpus = sum("corpus", 0, all), stay = sum("corpus", from, to);
      said += `would pass. Of the ${number.format(corpus)} documents in the corpus ${number.format(stay)} would stay`;
      const back = sum("dropped", from, to);
      said += back ? `; up to ${number.format(back)} would come to it.` : ".";
    }
    figure.querySelector(".answer").textContent = said;
  };
  slider.addEventListener("input", answer);
  if (language) language.addEventListener("change", answer);
}
