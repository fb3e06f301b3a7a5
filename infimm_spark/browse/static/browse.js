// Keys, labels and marks of the browser. Everything is readable without it.
"use strict";

const body = document.body;
const query = (selector) => document.querySelector(selector);

function typing(target) {
  return target.closest("input, select, textarea, dialog") !== null;
}

// -- lists: j and k move through the pages ----------------------------------------------------------

const links = [...document.querySelectorAll("[data-page] .title")];
let place = -1;

function move(step) {
  if (!links.length) return;
  const next = place + step;
  const paging = query(step > 0 ? '.paging [rel="next"]' : '.paging [rel="prev"]');
  if ((next < 0 || next >= links.length) && paging) {
    location.href = paging.href;
    return;
  }
  place = Math.max(0, Math.min(links.length - 1, next));
  links[place].focus();
}

links.forEach((link, index) => link.addEventListener("focus", () => { place = index; }));

// -- labels: saved at once --------------------------------------------------------------------------

const form = query("#label");
let saving = Promise.resolve();

function given() {
  const grade = form.querySelector('[data-grade][aria-pressed="true"]');
  const said = { id: body.dataset.id, note: query("#note").value };
  if (grade) said.score = Number(grade.dataset.grade);
  for (const mark of form.querySelectorAll("[data-mark]")) {
    said[mark.dataset.mark] = mark.getAttribute("aria-pressed") === "true";
  }
  return said;
}

function save() {
  const said = given();
  const saved = query("#saved");
  saved.textContent = "saving…";
  saving = saving.then(async () => {
    try {
      const answer = await fetch("/labels", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(said),
      });
      const content = await answer.json();
      if (!answer.ok) throw new Error(content.error);
      saved.textContent = content.label.labelled ? "saved" : "label removed";
      query("#labelled").textContent = `(${content.labelled})`;
    } catch (error) {
      saved.textContent = `not saved: ${error.message}`;
    }
  });
}

function press(button) {
  if (!form || !button) return;
  const was = button.getAttribute("aria-pressed") === "true";
  if (button.dataset.grade !== undefined) {
    for (const other of form.querySelectorAll("[data-grade]")) other.setAttribute("aria-pressed", "false");
  }
  button.setAttribute("aria-pressed", was ? "false" : "true");
  save();
}

if (form) {
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-grade], [data-mark]");
    if (button) press(button);
  });
  query("#note").addEventListener("change", save);
}

// -- formulas: marked in the document, in the table and in the original -----------------------------

const frame = query("iframe[data-original]");
let formula = -1;

function markFormula(number, index) {
  for (const marked of document.querySelectorAll(".formula.marked")) marked.classList.remove("marked");
  for (const row of document.querySelectorAll(".formulas tr.on")) row.classList.remove("on");
  const drawn = number === undefined ? null : query(`[data-formula="${number}"]`);
  if (drawn) {
    drawn.classList.add("marked");
    drawn.scrollIntoView({ block: "nearest" });
    formula = Number(number);
  }
  const row = index === undefined ? query(`.formulas tr[data-number="${number}"]`) : query(`.formulas tr[data-index="${index}"]`);
  if (row) row.classList.add("on");
  const wanted = index !== undefined ? index : row ? row.dataset.index : undefined;
  if (frame && wanted !== undefined) frame.src = `${frame.dataset.original}?mark=${wanted}#formula`;
}

function stepFormula(step) {
  const count = document.querySelectorAll("[data-formula]").length;
  if (count) markFormula(String((formula + step + count) % count));
}

document.addEventListener("click", (event) => {
  const shown = event.target.closest("[data-show]");
  if (shown) {
    markFormula(shown.closest("tr").dataset.number, shown.dataset.show);
    return;
  }
  const drawn = event.target.closest("[data-formula]");
  if (drawn) markFormula(drawn.dataset.formula);
});

// -- parts that are fetched when they are wanted ----------------------------------------------------

async function fill(part) {
  part.textContent = "…";
  try {
    const answer = await fetch(part.dataset.fragment);
    part.innerHTML = await answer.text(); // written by the server, which escapes all that a page wrote
  } catch (error) {
    part.textContent = `cannot be read: ${error.message}`;
  }
}

for (const part of document.querySelectorAll("[data-fragment]")) {
  if (part.dataset.now !== undefined) fill(part);
  else part.addEventListener("click", () => fill(part), { once: true });
}

for (const button of document.querySelectorAll(".load")) {
  button.addEventListener("click", () => {
    const picture = document.createElement("iframe");
    picture.setAttribute("sandbox", "");
    picture.title = "picture";
    picture.src = button.dataset.frame;
    button.replaceWith(picture);
  }, { once: true });
}

function toggleOriginal() {
  const sides = query(".sides");
  if (!sides) return;
  const alone = sides.classList.toggle("alone");
  const button = query("[data-toggle-original]");
  button.setAttribute("aria-expanded", String(!alone));
  button.firstChild.textContent = alone ? "Original " : "Hide ";
}

const toggle = query("[data-toggle-original]");
if (toggle) toggle.addEventListener("click", toggleOriginal);

const help = query("#help");
for (const button of document.querySelectorAll("[data-help]")) button.addEventListener("click", () => help.showModal());

// -- keys -------------------------------------------------------------------------------------------

const marks = { x: "wrong_formula", m: "missing_text", b: "boilerplate_left" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
  if (typing(event.target)) return;
  const key = event.key;
  if (key === "?") help.showModal();
  else if (key === "/") {
    const search = query("#q");
    if (search) { search.focus(); search.select(); } else location.href = "/#q";
  } else if (key === "j" || key === "k") {
    const step = key === "j" ? 1 : -1;
    if (links.length) move(step);
    else {
      const next = step > 0 ? body.dataset.after : body.dataset.before;
      if (next) saving.then(() => { location.href = next; });
    }
  } else if (key === "u" && body.dataset.list) saving.then(() => { location.href = body.dataset.list; });
  else if (key === "o") toggleOriginal();
  else if (key === "n") stepFormula(1);
  else if (key === "p") stepFormula(-1);
  else if (form && /^[0-9]$/.test(key)) press(form.querySelector(`[data-grade="${key}"]`));
  else if (form && key === "t") press(form.querySelector('[data-grade="10"]'));
  else if (form && marks[key]) press(form.querySelector(`[data-mark="${marks[key]}"]`));
  else return;
  event.preventDefault();
});

if (location.hash === "#q" && query("#q")) query("#q").focus();
