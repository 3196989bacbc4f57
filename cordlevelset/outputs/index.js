"use strict";
// Judging a cohort: marks are kept in the browser under the page's address, each with the result it was made on.
const $ = id => document.getElementById(id);
const all = [...document.querySelectorAll(".case")];
const place = "cordlevelset marks " + location.pathname;
const keys = { p: "pass", f: "fail", l: "look" };
let marks = {}, kept = true, here = null, done = [], reversed = false, loaded = "";

try {
  marks = JSON.parse(localStorage.getItem(place)) || {};
} catch { kept = false; }

// A mark counts for the result it was made on: another version of the image or the program is to be judged anew.
const markOf = c => marks[c.dataset.name]?.of === c.dataset.of ? marks[c.dataset.name].mark : "";
const visible = () => [...$("cases").children].filter(c => !c.classList.contains("away"));

function keep() {
  try { localStorage.setItem(place, JSON.stringify(marks)); } catch { kept = false; }
}

function paint() {
  for (const c of all) {
    c.dataset.mark = markOf(c);
    c.querySelector(".mark").textContent = { pass: "✓ pass", fail: "✗ fail", look: "? look again" }[markOf(c)] || "";
  }
  const n = word => all.filter(c => markOf(c) === word).length;
  const stale = all.filter(c => marks[c.dataset.name] && !markOf(c)).length;
  const at = here ? visible().indexOf(here) + 1 : 0;
  $("said").textContent = `${all.length - n("")} of ${all.length} judged: ${n("pass")} pass, ${n("fail")} fail, ` +
    `${n("look")} look again` + (at ? `; showing ${at} of ${visible().length}` : "; none to show") +
    loaded + (stale ? `; ${stale} judged on an earlier result, judge again` : "") +
    (kept ? "" : "; this browser does not keep the marks: save before you leave");
}

function select(c, scroll = true) {
  here?.classList.remove("here");
  here = c || null;
  here?.classList.add("here");
  if (here && scroll) here.scrollIntoView({ block: "nearest" });
  paint();
}

function step(by) {
  const list = visible(), at = list.indexOf(here);
  if (list.length) select(list[Math.min(Math.max(at + by, 0), list.length - 1)]);
}

function judge(c, mark) {
  const list = visible(), next = list[list.indexOf(c) + 1];
  loaded = "";
  done.push([c, marks[c.dataset.name]]);
  marks[c.dataset.name] = { mark, of: c.dataset.of, at: new Date().toISOString().slice(0, 19) + "Z" };
  keep();
  select(next || c);
  arrange(true);
}

function undo() {
  const last = done.pop();
  if (!last) return;
  const [c, before] = last;
  if (before) marks[c.dataset.name] = before; else delete marks[c.dataset.name];
  keep();
  arrange();
  select(c);
}

const shown = {
  all: () => true, todo: c => !markOf(c), doubt: c => c.dataset.doubt !== "", done: c => c.dataset.status === "done",
  none: c => c.dataset.status !== "done", seen: c => c.dataset.conus === "seen",
  unclear: c => c.dataset.conus === "unclear",
};

// The order is that of the last choice: marking an image moves none.
function arrange(stay = false) {
  const word = $("find").value.toLowerCase(), show = $("show").value, order = $("order").value;
  const value = c => order === "name" ? c.dataset.name : order === "mark" ? markOf(c) || "~"
    : order === "doubt" ? Number(c.dataset.rank) : c.dataset[order] === "" ? Infinity : Number(c.dataset[order]);
  const wanted = shown[show] || (c => markOf(c) === show);
  for (const c of all)
    c.classList.toggle("away", !(c.dataset.name.toLowerCase().includes(word) && (wanted(c) || stay && c === here)));
  if (!stay) {
    const compare = (a, b) => value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a.dataset.rank - b.dataset.rank;
    const sorted = [...all].sort((a, b) => reversed ? compare(b, a) : compare(a, b));
    $("cases").append(...sorted);
  }
  if (!here || here.classList.contains("away")) select(visible()[0], false); else paint();
}

function save(name, text, kind) {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([text], { type: kind }));
  a.download = name;
  a.click();
}

function csv() {
  const names = ["image", "judgement", "judged_at", "status", "confidence", "length_mm", "mean_area_mm2", "conus",
    "result"];
  const cell = text => /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const rows = [...all].sort((a, b) => a.dataset.name < b.dataset.name ? -1 : 1).map(c => {
    const d = c.dataset, mark = markOf(c);
    return [d.name, mark, mark && marks[d.name].at, d.status, d.confidence, d.length, d.area, d.conus,
      mark && d.of].map(cell);
  });
  return [names, ...rows].map(r => r.join(",") + "\n").join("");
}

// The form that SCT's manual_correction.py reads: file names without folders; quoted where YAML needs it.
function yaml() {
  const names = all.filter(c => markOf(c) === "fail").map(c => c.dataset.name.split("/").pop()).sort();
  const text = name => /^[A-Za-z][\w.+-]*$/.test(name) ? name : JSON.stringify(name);
  return names.length ? "FILES_SEG:\n" + names.map(n => `- ${text(n)}\n`).join("") : "FILES_SEG: []\n";
}

// Rows of a CSV as objects; cells in quotes may hold commas, quotes and line ends.
function rowsOf(text) {
  const rows = [[]];
  for (const [, cell, end] of text.replaceAll("\r\n", "\n").matchAll(/("(?:[^"]|"")*"|[^,\n]*)(,|\n|$)/g)) {
    rows.at(-1).push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === "\n") rows.push([]);
  }
  const names = rows.shift();
  return rows.map(row => Object.fromEntries(names.map((name, i) => [name, row[i] || ""])));
}

// A YAML list holds file names alone: failed, whatever the result was.
const failsOf = text => [...text.matchAll(/^\s*- (.+)$/gm)].map(([, name]) =>
  ({ file: name.startsWith('"') ? JSON.parse(name) : name.trim(), judgement: "fail" }));

function load(text) {
  const rows = /^FILES_SEG:/m.test(text) ? failsOf(text) : rowsOf(text);
  const marked = rows.filter(r => Object.values(keys).includes(r.judgement));
  const same = (c, r) => r.image ? c.dataset.name === r.image : c.dataset.name.split("/").pop() === r.file;
  let n = 0;
  for (const r of marked) for (const c of all.filter(c => same(c, r))) {
    marks[c.dataset.name] = { mark: r.judgement, of: r.result || c.dataset.of, at: r.judged_at || "" };
    n += 1;
  }
  loaded = `; ${n} marks loaded` + (marked.length > n ? `, ${marked.length - n} of other images` : "");
  keep();
  arrange();
}

const single = () => { $("cases").classList.toggle("single"); select(here); };
const outline = () => document.body.classList.toggle("bare");

$("find").oninput = () => arrange();
// A list that keeps the keyboard would take the next "p" for an entry of its own.
$("show").onchange = $("order").onchange = event => { event.target.blur(); arrange(); };
$("turn").onclick = () => { reversed = !reversed; arrange(); };
$("back").onclick = () => step(-1);
$("next").onclick = () => step(1);
$("one").onclick = single;
$("outline").onclick = outline;
$("csv").onclick = () => save("qc.csv", csv(), "text/csv");
$("yaml").onclick = () => save("qc_fail.yml", yaml(), "text/yaml");

$("load").onclick = () => $("file").click();
$("file").onchange = async event => {
  const [file] = event.target.files;
  if (file) load(await file.text());
  event.target.value = "";
};

$("cases").addEventListener("click", event => {
  const c = event.target.closest(".case");
  if (!c) return;
  if (event.target.matches(".judge button")) { event.target.blur(); judge(c, event.target.value); }
  else if (event.target.closest("svg")) { select(c); single(); }
  else select(c, false);
});

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
  const act = {
    ArrowRight: () => step(1), ArrowLeft: () => step(-1), " ": single, o: outline, u: undo,
    Enter: () => here?.querySelector("a")?.click(),
  }[event.key] || (keys[event.key] && here && (() => judge(here, keys[event.key])));
  if (!act || (event.key === "Enter" || event.key === " ") && event.target.matches("a, button")) return;
  event.preventDefault();
  act();
});

arrange();
