// What is set lives in `state` and in the address; the server answers each request from it alone.
const $ = (id) => document.getElementById(id);
const QUICK = 120; // ms: a model whose whole answer takes no longer redraws all while one drags

const state = { set: {}, free: new Set(), seed: 0, order: "like", at: 0, rows: "", columns: "" };
let facts, names, shares = {}, took = 0, held = null; // held: the slider under the pointer

async function ask(request) {
  const response = await fetch("ask", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

let wrong = null; // whose error is shown: what else goes well does not take it away

function say(text, by = null) {
  $("status").textContent = text;
  $("status").className = by ? "wrong" : "";
  wrong = by;
}

const sentence = (e) => (e instanceof TypeError ? "no answer: has infogan explore ended?" : e.message);

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
        if (wrong === work) say("");
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
  for (const control of facts.controls) place(control, answer.strips[control.name]);
  if (answer.draws.length) fill($("draws"), answer.draws.map((src) => image(src, "another draw")));
  remember();
});

const reorder = latest(async () => {
  if (!facts.gallery) return;
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
  shares = answer.shares;
  tell();
  if (had < of) setTimeout(reorder, 700);
});

function tell() { // which share of the real images each category has
  for (const element of document.querySelectorAll("[data-share-of]")) {
    const share = shares[element.dataset.shareOf]?.[element.dataset.k];
    element.textContent = share === undefined ? "" : `${(100 * share).toFixed(1)} %`;
  }
}

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
  const rows = facts.controls.flatMap(({ name, code }) => answer.likely[code]
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

function changed() { // something was set for good
  state.at = 0;
  redraw();
  reorder();
  retable();
}

function set(name, value, dragging = false) {
  state.set[name] = value;
  if (dragging) redraw(true);
  else changed();
}

// Names -----------------------------------------------------------------------------------------

const key = (control, k) => control.groups
  ? `${control.group_name}=${control.groups[k]}` : `${control.code}=${k}`;
const titled = (name) => names[name] || name;

function relabel() { // where names stand beside what is set
  for (const control of facts.controls) place(control);
  for (const which of ["rows", "columns"]) {
    for (const option of $(which).options) option.textContent = titled(option.value);
  }
}

function category(code, k) {
  const control = facts.controls.find((each) => each.code === code);
  const text = names[key(control, k)];
  return text ? `${k} ${text}` : `${k}`;
}

function naming(of, title, element) {
  const input = element || document.createElement("input");
  Object.assign(input, { value: names[of] || "", title, disabled: !facts.keeps_names });
  input.className = "name";
  input.maxLength = 60;
  input.dataset.key = of;
  input.setAttribute("aria-label", title);
  input.onkeydown = (event) => { if (event.key === "Enter") input.blur(); };
  input.onchange = async () => {
    try {
      names = (await ask({ show: "name", key: of, text: input.value })).names;
      say(names[of] ? `${of} is called ${names[of]}` : `${of} has no name`);
    } catch (e) {
      say(sentence(e), naming); // and what was typed stays
      return;
    }
    for (const other of document.querySelectorAll(".name")) {
      if (other !== document.activeElement) other.value = names[other.dataset.key] || "";
    }
    relabel();
  };
  return input;
}

// What the page is made of ----------------------------------------------------------------------

function image(src, alt) {
  return Object.assign(document.createElement("img"), { src, alt, title: alt });
}

function pick(content, chosen) {
  const button = Object.assign(document.createElement("button"), { className: "pick", onclick: chosen });
  button.append(content);
  return button;
}

function fill(element, children) {
  element.replaceChildren(...children);
}

function build(control) { // the part of the page that sets one number of c
  const box = Object.assign(document.createElement("div"), { className: "control", id: `c-${control.name}` });
  const head = document.createElement("div");
  const title = naming(control.name, `what ${control.name} means`);
  if (control.k) head.append(Object.assign(document.createElement("b"), { textContent: control.name }));
  else {
    title.classList.add("title");
    title.placeholder = control.name;
    head.append(title);
  }
  const about = control.k ? `${control.k} categories`
    : control.trained ? `${control.name}: trained on ${control.trained.join(" … ")}` : control.name;
  const small = Object.assign(document.createElement("small"), { textContent: about });
  const free = Object.assign(document.createElement("input"), { type: "checkbox", checked: state.free.has(control.name) });
  free.onchange = () => {
    state.free[free.checked ? "add" : "delete"](control.name);
    changed();
  };
  const label = Object.assign(document.createElement("label"), { className: "free", title: "drawn from P(c) for each of the images below" });
  label.append(free, " drawn below");
  head.append(Object.assign(document.createElement("output")), small, label);
  const track = Object.assign(document.createElement("div"), { className: "track" });
  track.append(Object.assign(document.createElement("div"), { className: "strip" }));
  box.append(head, track);
  if (control.k > 40) {
    const number = Object.assign(document.createElement("input"), { type: "number", min: 0, max: control.k - 1, title: "category", className: "number" });
    number.onchange = () => set(control.name, Math.min(control.k - 1, Math.max(0, Math.round(+number.value) || 0)));
    number.onblur = () => { number.value = state.set[control.name]; };
    head.insertBefore(number, small);
  }
  if (!control.k) {
    const slider = Object.assign(document.createElement("input"), { type: "range", min: control.low, max: control.high, step: control.step });
    slider.setAttribute("aria-label", control.name);
    slider.onpointerdown = () => { held = slider; };
    slider.onpointerup = slider.onpointercancel = () => { held = null; };
    slider.oninput = () => set(control.name, +slider.value, true);
    slider.onchange = () => set(control.name, +slider.value);
    slider.ondblclick = () => set(control.name, facts.start[control.name]);
    track.append(slider);
  }
  return box;
}

function place(control, strip) { // bring it to what is set
  const box = $(`c-${control.name}`), value = state.set[control.name];
  const slider = box.querySelector("input[type=range]");
  if (slider && held !== slider) slider.value = value;
  const number = box.querySelector(".number");
  if (number && document.activeElement !== number) number.value = value;
  box.querySelector("output").textContent = control.k ? category(control.code, value) : (+value.toFixed(2)).toString();
  if (!strip) return;
  const holder = box.querySelector(".strip");
  const nearest = strip.values.reduce((a, b) => (Math.abs(b - value) < Math.abs(a - value) ? b : a));
  if (holder.dataset.values !== strip.values.join()) { // else names that are being typed stay
    holder.dataset.values = strip.values.join();
    const many = strip.values.length > 12;
    holder.classList.toggle("many", many);
    holder.parentNode.style.maxWidth = many ? "" : `${8 * strip.values.length}rem`;
    fill(holder, strip.values.map((v) => {
      const cell = document.createElement("div");
      cell.append(pick(image("", ""), () => set(control.name, v)));
      if (control.trained && (v < control.trained[0] || v > control.trained[1])) cell.className = "beyond";
      if (control.k) {
        const group = control.groups ? ` · group ${control.groups[v]}` : "";
        const share = Object.assign(document.createElement("small"), { title: "of the real images" });
        Object.assign(share.dataset, { shareOf: control.code, k: v });
        const input = naming(key(control, v), `what ${key(control, v)} is`);
        input.placeholder = "name";
        cell.append(`${v}${group}`, input, share);
      } else cell.append(`${+v.toFixed(2)}`);
      return cell;
    }));
  }
  if (control.k) tell();
  [...holder.querySelectorAll(".pick")].forEach((button, i) => {
    button.firstChild.src = strip.images[i];
    button.firstChild.alt = `${control.name} = ${+strip.values[i].toFixed(2)}`;
    button.setAttribute("aria-pressed", strip.values[i] === nearest);
  });
}

function options(select, pairs, chosen, then) {
  fill(select, pairs.map(([value, text]) => new Option(text, value, false, value === chosen)));
  select.onchange = () => then(select.value);
}

function remember() { // the address names what is set, so that it can be kept and sent
  const words = Object.entries(state.set).map(([name, value]) => [name, +value.toFixed(4)]);
  const hash = new URLSearchParams([...words, ["~seed", state.seed]]);
  if (state.free.size) hash.set("~free", [...state.free].join(" "));
  history.replaceState(null, "", `#${hash}`);
  $("seed").value = state.seed;
}

const whole = (text, most) => Math.min(most, Math.abs(Math.trunc(text))) || 0;

function recall() { // what the address says, as far as this model has it
  const hash = new URLSearchParams(location.hash.slice(1));
  const lost = [...hash.keys()].filter((name) => !name.startsWith("~") && !Object.hasOwn(facts.start, name));
  state.set = { ...facts.start };
  for (const { name, k } of facts.controls) {
    if (!hash.get(name)) continue;
    const value = +hash.get(name);
    const there = k ? Number.isInteger(value) && value >= 0 && value < k : Math.abs(value) <= 1e6;
    if (there) state.set[name] = value;
    else lost.push(name);
  }
  state.seed = whole(hash.get("~seed"), Number.MAX_SAFE_INTEGER);
  const free = (hash.get("~free") || "").split(" ");
  state.free = new Set(free.filter((name) => Object.hasOwn(facts.start, name)));
  if (lost.length) say(`the address sets ${lost.join(", ")} to what this model does not have`, recall);
  fill($("controls"), facts.controls.map(build));
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
    for (const { name, k } of facts.controls) if (!k) state.set[name] = facts.start[name];
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
  $("before").onclick = () => { state.at = Math.max(0, state.at - 24); reorder(); };
  $("after").onclick = () => { state.at += 24; reorder(); };
  const given = async (file) => {
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
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
  if (!facts.reads) return;
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
  facts = await ask({ show: "facts" });
  names = facts.names;
  $("title").textContent = document.title = facts.title;
  $("codes").textContent = `${facts.codes} · ${facts.shape.join("×")}`;
  recall();
  $("reading").hidden = !facts.reads;
  $("gallery").hidden = !facts.gallery;
  const codes = facts.controls.filter(({ k }) => k).map(({ code }) => code);
  const surest = codes.flatMap((code) => [
    [`surest:${code}`, `of this ${code}, the surest first`],
    [`unsurest:${code}`, `of this ${code}, the least sure first`],
  ]);
  options($("order"), [["like", "most like what is set, by ln Q(c|x)"], ...surest], "like", (value) => {
    Object.assign(state, { order: value, at: 0 });
    reorder();
  });
  const all = facts.controls.map(({ name }) => name);
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
