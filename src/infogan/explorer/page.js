// The page: what is asked, and what the answers change.
import { ask, sentence } from "./ask.js";
import { $, say, state, unsay } from "./state.js";
import { build, category, fill, image, pick, place, tell, titled } from "./controls.js";

const QUICK = 120; // ms: a model whose whole answer takes no longer redraws all while one drags
let took = 0, later = 0;

// Of many wishes for the same thing the last one counts: one request is under way at a time.
function latest(work) {
  let busy = false, wanted = null;
  return async function run(...args) {
    wanted = args;
    if (busy) return;
    busy = true;
    while (wanted) {
      const now = wanted;
      wanted = null;
      try {
        await work(...now);
        unsay(work);
      } catch (e) {
        say(sentence(e), work);
      }
    }
    busy = false;
  };
}

const wish = () => ({ set: state.set, seed: state.seed, free: [...state.free] });

const redraw = latest(async (only = false) => {
  const began = performance.now();
  const answer = await ask({ show: "draw", ...wish(), only: only && took > QUICK });
  if (!only || took <= QUICK) took = performance.now() - began;
  $("picture").src = $("save").href = answer.picture;
  $("python").textContent = answer.python;
  $("shell").textContent = answer.shell;
  for (const control of state.facts.controls) place(control, answer.strips[control.name]);
  if (answer.draws.length) fill($("draws"), answer.draws.map((src) => image(src, "another draw")));
  remember();
});

const reorder = latest(async () => {
  if (!state.facts.gallery) return;
  const [order, by = ""] = state.order.split(":");
  const answer = await ask({ show: "real", ...wish(), order, by, at: state.at });
  fill($("real"), answer.images.map((each) => {
    const button = pick(image(each.image, each.name), () => read({ id: each.id }));
    button.title = `${each.name} · ${order === "like" ? "ln Q(c|x)" : "Q"} ${each.score.toFixed(3)}`;
    const figure = document.createElement("figure");
    figure.append(button, Object.assign(document.createElement("figcaption"), { textContent: each.name }));
    return figure;
  }));
  const { read: had, of, all } = answer.gallery;
  const which = had < of ? `${had.toLocaleString("en")} of ${of.toLocaleString("en")} read so far`
    : of < all ? `${of.toLocaleString("en")} of ${all.toLocaleString("en")}, evenly spread` : "";
  const shown = answer.images.length
    ? `${state.at + 1}–${state.at + answer.images.length} of ${answer.count.toLocaleString("en")}` : "none";
  $("counted").textContent = [shown, which].filter(Boolean).join(" · ");
  $("before").hidden = !state.at;
  $("after").hidden = state.at + answer.images.length >= answer.count;
  state.shares = answer.shares;
  tell();
  clearTimeout(later);
  if (had < of) later = setTimeout(reorder, 700);
});

const retable = latest(async () => {
  if (!state.rows || !state.columns) return;
  const answer = await ask({ show: "table", ...wish(), rows: state.rows, columns: state.columns });
  const side = Math.min(64, Math.max(16, Math.floor(880 / answer.columns.length)));
  $("table").src = answer.picture;
  $("table").style.width = `${side * answer.columns.length}px`;
  $("table").onclick = (event) => {
    const box = $("table").getBoundingClientRect();
    const at = (x, n) => Math.min(n - 1, Math.max(0, Math.floor(x * n)));
    state.set[state.columns] = answer.columns[at((event.clientX - box.left) / box.width, answer.columns.length)];
    state.set[state.rows] = answer.rows[at((event.clientY - box.top) / box.height, answer.rows.length)];
    changed();
  };
});

const read = latest(async (what) => {
  const answer = await ask({ show: "read", ...what });
  Object.assign(state.set, answer.set);
  const rows = state.facts.controls.flatMap(({ name, code }) => answer.likely[code]
    ? answer.likely[code].filter(([, p], i) => !i || p > 0.01)
      .map(([k, p], i) => [i ? "" : titled(name), category(code, k), `${(100 * p).toFixed(1)} %`])
    : [[titled(name), answer.set[name].toFixed(2), `± ${answer.sd[name].toFixed(2)}`]]);
  const table = document.createElement("table");
  for (const cells of rows) {
    const row = table.insertRow();
    for (const text of cells) row.insertCell().textContent = text;
  }
  const figure = document.createElement("figure");
  figure.append(image(answer.image, answer.name),
    Object.assign(document.createElement("figcaption"), { textContent: answer.name }));
  fill($("read"), [figure, table]);
  $("reading").hidden = false;
  changed();
});

export function changed() { // something was set for good
  state.at = 0;
  redraw();
  reorder();
  retable();
}

export function set(name, value, dragging = false) {
  state.set[name] = value;
  if (dragging) redraw(true);
  else changed();
}

function options(select, pairs, chosen, then) {
  fill(select, pairs.map(([value, text]) => new Option(text, value, false, value === chosen)));
  select.onchange = () => then(select.value);
}

function remember() { // the address names what is set, so that it can be kept and sent
  const words = Object.entries(state.set).map(([name, value]) => [name, +value.toPrecision(6)]);
  const hash = new URLSearchParams([...words, ["~seed", state.seed]]);
  if (state.free.size) hash.set("~free", [...state.free].join(" "));
  history.replaceState(null, "", `#${hash}`);
  $("seed").value = state.seed;
}

const whole = (text, most) => Math.min(most, Math.abs(Math.trunc(text))) || 0;

function recall() { // what the address says, as far as this model has it
  const hash = new URLSearchParams(location.hash.slice(1));
  const lost = [...hash.keys()].filter((name) => !name.startsWith("~") && !Object.hasOwn(state.facts.start, name));
  state.set = { ...state.facts.start };
  for (const { name, k } of state.facts.controls) {
    if (!hash.get(name)) continue;
    const value = +hash.get(name);
    const there = k ? Number.isInteger(value) && value >= 0 && value < k : Math.abs(value) <= 1e6;
    if (there) state.set[name] = value;
    else lost.push(name);
  }
  state.seed = whole(hash.get("~seed"), Number.MAX_SAFE_INTEGER);
  const free = (hash.get("~free") || "").split(" ");
  state.free = new Set(free.filter((name) => Object.hasOwn(state.facts.start, name)));
  if (lost.length) say(`the address sets ${lost.join(", ")} to what this model does not have`, recall);
  else unsay(recall);
  fill($("controls"), state.facts.controls.map(build));
}

const draw = latest(async () => { // c from P(c), and another z
  Object.assign(state.set, (await ask({ show: "random", seed: other() })).set);
  changed();
});

function other() { // a seed for another z
  state.seed = Math.floor(Math.random() * 1e6);
  return state.seed;
}

function listen() {
  const centre = () => {
    for (const { name, k } of state.facts.controls) if (!k) state.set[name] = state.facts.start[name];
    changed();
  };
  const noise = () => {
    other();
    changed();
  };
  const keys = { n: noise, m: centre, r: draw };
  $("noise").onclick = noise;
  $("middle").onclick = centre;
  $("random").onclick = draw;
  $("seed").onchange = () => {
    state.seed = whole($("seed").value, Number.MAX_SAFE_INTEGER);
    changed();
  };
  $("before").onclick = () => { state.at = Math.max(0, state.at - state.facts.page); reorder(); };
  $("after").onclick = () => { state.at += state.facts.page; reorder(); };
  const given = async (file) => {
    if (!file) return;
    const content = await file.arrayBuffer().catch(() => null);
    if (!content) {
      say(`${file.name} cannot be read: is it a folder?`, given);
      return;
    }
    unsay(given);
    const bytes = new Uint8Array(content);
    let text = "";
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    read({ file: btoa(text), name: file.name });
  };
  $("file").onchange = async () => {
    await given($("file").files[0]);
    $("file").value = ""; // so that the same one can be chosen again
  };
  document.onkeydown = (event) => {
    const typing = event.target.closest("select, input:not([type=range], [type=checkbox], [type=file])");
    if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) keys[event.key]?.();
  };
  if (!state.facts.reads) return;
  document.onpaste = (event) => given([...event.clipboardData.files][0]);
  document.ondragover = (event) => { event.preventDefault(); $("drop").classList.add("over"); };
  document.ondragleave = () => $("drop").classList.remove("over");
  document.ondrop = (event) => {
    event.preventDefault();
    $("drop").classList.remove("over");
    given(event.dataTransfer.files[0]);
  };
}

async function begin() {
  say("loading …");
  state.facts = await ask({ show: "facts" });
  say("");
  state.names = state.facts.names;
  $("title").textContent = document.title = state.facts.title;
  $("codes").textContent = `${state.facts.codes} · ${state.facts.shape.join("×")}`;
  recall();
  $("reading").hidden = !state.facts.reads;
  $("gallery").hidden = !state.facts.gallery;
  const codes = state.facts.controls.filter(({ k }) => k).map(({ code }) => code);
  const surest = codes.flatMap((code) => [
    [`surest:${code}`, `of this ${code}, the surest first`],
    [`unsurest:${code}`, `of this ${code}, the least sure first`],
  ]);
  options($("order"), [["like", "most like what is set, by ln Q(c|x)"], ...surest], "like", (value) => {
    Object.assign(state, { order: value, at: 0 });
    reorder();
  });
  const all = state.facts.controls.map(({ name }) => name);
  if (all.length > 1) {
    [state.rows, state.columns] = [all[0], all[1]];
    $("both").hidden = false;
    for (const which of ["rows", "columns"]) {
      options($(which), all.map((name) => [name, titled(name)]), state[which], (value) => {
        const other = which === "rows" ? "columns" : "rows";
        if (state[other] === value) $(other).value = state[other] = state[which];
        state[which] = value;
        retable();
      });
    }
  }
  listen();
  window.onhashchange = () => { recall(); changed(); };
  changed();
}

begin().catch((e) => say(sentence(e), begin));
