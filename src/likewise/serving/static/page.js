// The page of `likewise serve`: it asks the API and shows the answers. The query is behind # in the
// address, so that the browser's history goes from query to query.

const find = (id) => document.getElementById(id);
const SHOWN_UNITS = 12;
const COLUMNS = ["image", "title", "brand", "category", "description", "attributes", "price"];
let token = sessionStorage.getItem("token") || "";
let runs = [];
let query = null; // {text}, {product} or {file}
let asked = 0; // Answers to earlier queries are not shown.

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function headers(more = {}) {
  return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

async function call(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: headers(options.headers) });
  } catch {
    throw new Error("the server does not answer; is it still running?");
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail || `the server answered ${answer.status}`);
  }
  return answer;
}

async function post(path, content) {
  const options = { method: "POST", body: JSON.stringify(content) };
  return (await call(path, { ...options, headers: { "Content-Type": "application/json" } })).json();
}

function say(sentence) {
  find("message").textContent = sentence;
  find("message").hidden = !sentence;
}

function pictureOf(productId, run) {
  const image = make("img", { alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("load", () => image.classList.toggle("small", image.naturalWidth < 100));
  image.addEventListener("error", () => image.remove());
  const path = `/picture?run=${run}&product_id=${encodeURIComponent(productId)}`;
  if (!token) image.src = path;
  // An <img> cannot send the token.
  else call(path).then((answer) => answer.blob()).then(
    (blob) => { image.src = URL.createObjectURL(blob); }, () => image.remove());
  return image;
}

// ---- the query ----

function ask(next) {
  query = next;
  say("");
  if (next.file) show();
  else {
    const hash = "#" + new URLSearchParams(next.text ? { text: next.text } : { product: next.product });
    if (location.hash === hash) show();
    else location.hash = hash; // Its event shows the query.
  }
}

function fromAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  if (parts.get("text")) query = { text: parts.get("text") };
  else if (parts.get("product")) query = { product: parts.get("product") };
  else return;
  show();
}

function request(run) {
  const k = Number(find("count").value);
  if (query.text) return post("/search", { text: query.text, k, run });
  if (query.product) return post("/similar", { product_id: query.product, k, run });
  const options = { method: "POST", body: query.file, headers: { "Content-Type": query.file.type } };
  return call(`/similar/picture?k=${k}&run=${run}`, options).then((answer) => answer.json());
}

// Why a run cannot answer the query, or nothing if it can.
function inability(run) {
  if (!run.searches) return "This run scores pairs only, so it cannot search; compare two products instead.";
  if (query.text && !run.reads_texts) return "This run reads no texts; give a picture or a product.";
  if (query.file && !run.reads_pictures) return "This run reads no pictures; give a text or a product.";
  return "";
}

async function show() {
  const number = ++asked;
  find("text").value = query.text || "";
  find("product").value = query.product || "";
  showQuery();
  await Promise.all(runs.map(async (run, place) => {
    const section = find("runs").children[place];
    const grid = section.querySelector(".grid");
    const note = section.querySelector(".note");
    note.textContent = inability(run);
    if (note.textContent) { grid.replaceChildren(); return; }
    grid.classList.add("busy");
    try {
      const answer = await request(place);
      if (number !== asked) return;
      grid.replaceChildren(...answer.products.map((product) => card(product, place)));
      note.textContent = answer.products.length ? "" : "No product was found.";
      mark(section, run);
    } catch (error) {
      if (number === asked) { grid.replaceChildren(); say(error.message); }
    } finally {
      if (number === asked) grid.classList.remove("busy");
    }
  }));
}

function showQuery() {
  const place = find("query");
  place.replaceChildren();
  place.hidden = false;
  if (query.text) place.append(make("p", { textContent: `Words: ${query.text}` }));
  else if (query.product) {
    if (runs.some((run) => run.has_pictures)) place.append(pictureOf(query.product, 0));
    place.append(make("p", { textContent: `Product ${query.product}` }));
  } else {
    const image = make("img", { alt: "", src: URL.createObjectURL(query.file) });
    image.addEventListener("error", () => image.remove());
    place.append(image, make("p", { textContent: `Picture ${query.file.name}` }));
  }
}

function card(product, run) {
  const open = make("button", { type: "button", className: "card" });
  open.setAttribute("aria-label", `Neighbours of ${product.title || product.product_id}`);
  if (product.has_picture) open.append(pictureOf(product.product_id, run));
  if (product.title) open.append(make("span", { className: "title", textContent: product.title }));
  open.append(make("span", { className: "quiet", textContent: product.product_id }));
  open.addEventListener("click", () => ask({ product: product.product_id }));
  const facts = make("div", { className: "facts" },
    make("span", { textContent: product.score.toFixed(3), title: "score; larger is more similar" }),
    make("span", { className: "badge", textContent: "match", hidden: true }));
  if (!query.file) {
    const why = make("button", { type: "button", className: "why", textContent: "Why?" });
    const left = query.product || { title: query.text };
    why.addEventListener("click", () => explain(left, product.product_id));
    facts.append(why);
  }
  const item = make("li", {}, open, facts);
  item.dataset.score = product.score;
  return item;
}

// ---- thresholds ----

function slider(run, section) {
  const curve = run.curve;
  const range = make("input", { type: "range", min: 0, max: curve.thresholds.length - 1, step: 1 });
  // Thresholds descend, so the slider goes from all pairs to none from left to right.
  const last = curve.thresholds.length - 1;
  const chosen = curve.chosen ?? curve.thresholds[0];
  const distances = curve.thresholds.map((value) => Math.abs(value - chosen));
  range.value = last - distances.indexOf(Math.min(...distances));
  const label = make("span", { className: "curve" });
  range.addEventListener("input", () => mark(section, run));
  range.setAttribute("aria-label", "threshold");
  return make("label", { className: "slider" }, label, range);
}

function mark(section, run) {
  if (!run.curve) return;
  const { thresholds, precision, recall, pairs } = run.curve;
  const place = thresholds.length - 1 - Number(section.querySelector("input[type=range]").value);
  const threshold = thresholds[place];
  section.querySelector(".curve").textContent =
    `Threshold ${threshold.toFixed(3)}: precision ${precision[place].toFixed(3)}, recall ` +
    `${recall[place].toFixed(3)} (${pairs} validation pairs)`;
  for (const item of section.querySelectorAll(".grid li")) {
    const match = Number(item.dataset.score) >= threshold;
    item.classList.toggle("match", match);
    item.classList.toggle("below", !match);
    item.querySelector(".badge").hidden = !match;
  }
}

// ---- explanations ----

async function explain(left, right) {
  find("reasons").replaceChildren(make("p", { className: "quiet", textContent: "Working …" }));
  if (!find("why").open) find("why").showModal();
  const parts = await Promise.all(runs.map(async (run, place) => {
    try {
      // A refusal of the server would be an error in the browser's log.
      if (typeof left !== "string" && !run.reads_texts) throw new Error("This run reads no texts.");
      return reasons(await post("/explain", { left, right, run: place }), left, right, place);
    } catch (error) {
      return make("section", { className: "run" }, make("h2", { textContent: run.name }),
        make("p", { className: "message", textContent: error.message }));
    }
  }));
  find("reasons").replaceChildren(...parts);
}

function colour(value, most) {
  const strength = most ? Math.min(1, Math.abs(value) / most) : 0;
  return `rgb(var(${value >= 0 ? "--raises" : "--lowers"}) / ${(0.65 * strength).toFixed(3)})`;
}

function reasons(found, left, right, run) {
  const most = Math.max(...found.units.map((unit) => Math.abs(unit.value)), 0);
  const threshold = runs[run].curve?.chosen;
  const verdict = threshold === null || threshold === undefined ? ""
    : found.score >= threshold ? ", a match" : ", not a match";
  const section = make("section", { className: "run" },
    make("h2", { textContent: runs[run].name }),
    make("p", { textContent: `Score ${found.score.toFixed(4)}${verdict}` }),
    make("p", { className: "quiet", textContent: `${found.meaning} Blue raises the score, orange lowers it.` }));
  const sides = make("div", { className: "sides" });
  for (const [side, product] of [["left", left], ["right", right]]) {
    const units = found.units.filter((unit) => unit.side === side).sort((a, b) => a.place - b.place);
    const name = typeof product === "string" ? product : "your words";
    const part = make("div", { className: "side" }, make("h3", { textContent: name }));
    const regions = units.filter((unit) => unit.column === "image");
    if (regions.length) part.append(heat(regions, product, found.grid, most, run));
    const columns = [...new Set(units.map((unit) => unit.column))].filter((one) => one !== "image");
    for (const column of columns.sort((a, b) => COLUMNS.indexOf(a) - COLUMNS.indexOf(b))) {
      const words = make("p", { className: "words" });
      for (const unit of units.filter((one) => one.column === column)) {
        const word = make("span", { textContent: unit.text, title: unit.value.toFixed(4) });
        word.style.backgroundColor = colour(unit.value, most);
        words.append(word, " ");
      }
      part.append(words);
    }
    sides.append(part);
  }
  if (found.units.some((unit) => unit.side !== "both")) section.append(sides);
  const rows = found.units.slice(0, SHOWN_UNITS).map((unit) => make("tr", {},
    make("td", { textContent: (unit.value >= 0 ? "+" : "") + unit.value.toFixed(4) }),
    make("td", { textContent: unit.side === "both" ? "" : unit.side }),
    make("td", { textContent: unit.column }), make("td", { textContent: unit.text })));
  section.append(make("table", { className: "units" }, make("tbody", {}, ...rows)));
  return section;
}

function heat(regions, product, grid, most, run) {
  const cells = make("div", { className: "cells" });
  cells.style.gridTemplate = `repeat(${grid}, 1fr) / repeat(${grid}, 1fr)`;
  for (const region of regions) {
    const cell = make("div", { title: region.value.toFixed(4) });
    cell.style.backgroundColor = colour(region.value, most);
    cells.append(cell);
  }
  return make("div", { className: "heat" }, pictureOf(product, run), cells);
}

// ---- keys and events ----

function move(event) {
  const cards = [...document.querySelectorAll(".grid .card")];
  const here = cards.indexOf(document.activeElement);
  if (here < 0) return;
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  let next = step ? cards[here + step] : null;
  if (!step) {
    const box = cards[here].getBoundingClientRect();
    const down = event.key === "ArrowDown";
    const column = cards.filter((one) => Math.abs(one.getBoundingClientRect().left - box.left) < 2);
    next = column[column.indexOf(cards[here]) + (down ? 1 : -1)];
  }
  if (next) { event.preventDefault(); next.focus(); }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || find("why").open) return;
  if (event.key.startsWith("Arrow")) return move(event);
  if (event.target.matches("input, select")) return;
  if (event.key === "/") { event.preventDefault(); find("text").focus(); }
  if (event.key === "w") event.target.closest(".grid li")?.querySelector(".why")?.click();
});

find("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  // Enter in the field of the product id submits the form, too.
  if (document.activeElement === find("product")) find("neighbours").click();
  else if (find("text").value.trim()) ask({ text: find("text").value.trim() });
});
find("neighbours").addEventListener("click", () => {
  if (find("product").value) ask({ product: find("product").value });
});
find("count").addEventListener("change", () => query && show());
find("picture").addEventListener("change", (event) => {
  if (event.target.files[0]) ask({ file: event.target.files[0] });
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files[0]) ask({ file: event.dataTransfer.files[0] });
});
find("compare").addEventListener("submit", (event) => {
  event.preventDefault();
  if (find("left").value && find("right").value) explain(find("left").value, find("right").value);
});
find("close").addEventListener("click", () => find("why").close());
window.addEventListener("hashchange", fromAddress);

async function start() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    token = given;
    sessionStorage.setItem("token", token);
    history.replaceState(null, "", location.pathname);
  }
  runs = await (await call("/runs")).json();
  const [first] = runs;
  find("about").textContent =
    `${runs.map((run) => run.name).join(" and ")} · ${first.products.toLocaleString("en")} products`;
  document.title = `${runs.map((run) => run.name).join(" and ")} · Likewise`;
  find("examples").append(...first.examples.map((value) => make("option", { value })));
  find("text-field").hidden = !runs.some((run) => run.searches && run.reads_texts);
  find("picture-field").hidden = !runs.some((run) => run.searches && run.reads_pictures);
  const searching = runs.some((run) => run.searches);
  find("product-field").hidden = find("count-field").hidden = !searching;
  find("pair").open = !searching;
  [find("left").value, find("right").value = ""] = first.examples;
  find("runs").classList.toggle("single", runs.length === 1);
  for (const run of runs) {
    const section = make("section", { className: "run" }, make("h2", { textContent: run.name }));
    if (run.curve) section.append(slider(run, section));
    section.append(make("p", { className: "quiet note" }), make("ol", { className: "grid" }));
    find("runs").append(section);
    mark(section, run);
  }
  document.body.dataset.ready = "true";
  if (location.hash) fromAddress();
  else if (searching && first.examples.length) {
    query = { product: first.examples[0] };
    show();
  }
}

start().catch((error) => say(error.message));
