// The controls: one for each number of c, and what they are called.
import { ask, sentence } from "./ask.js";
import { $, say, state } from "./state.js";
import { changed, set } from "./page.js";

export function image(src, alt) {
  return Object.assign(document.createElement("img"), { src, alt, title: alt });
}

export function pick(content, chosen) {
  const button = Object.assign(document.createElement("button"), { className: "pick", onclick: chosen });
  button.append(content);
  return button;
}

export function fill(element, children) {
  element.replaceChildren(...children);
}

export function build(control) { // the part of the page that sets one number of c
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
  if (control.k > state.facts.window) {
    const number = Object.assign(document.createElement("input"), { type: "number", min: 0, max: control.k - 1, title: "category", className: "number" });
    number.onchange = () => set(control.name, Math.min(control.k - 1, Math.max(0, Math.round(+number.value) || 0)));
    number.onblur = () => { number.value = state.set[control.name]; };
    head.insertBefore(number, small);
  }
  if (!control.k) {
    const slider = Object.assign(document.createElement("input"), { type: "range", min: control.low, max: control.high, step: control.step });
    slider.setAttribute("aria-label", control.name);
    slider.onpointerdown = () => { state.held = slider; };
    slider.onpointerup = slider.onpointercancel = () => { state.held = null; };
    slider.oninput = () => set(control.name, +slider.value, true);
    slider.onchange = () => set(control.name, +slider.value);
    slider.ondblclick = () => set(control.name, state.facts.start[control.name]);
    track.append(slider);
  }
  return box;
}

export function place(control, strip) { // bring it to what is set
  const box = $(`c-${control.name}`), value = state.set[control.name];
  const slider = box.querySelector("input[type=range]");
  if (slider && state.held !== slider) slider.value = value;
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

const key = (control, k) => control.groups
  ? `${control.group_name}=${control.groups[k]}` : `${control.code}=${k}`;
export const titled = (name) => state.names[name] || name;

function relabel() { // where names stand beside what is set
  for (const control of state.facts.controls) place(control);
  for (const which of ["rows", "columns"]) {
    for (const option of $(which).options) option.textContent = titled(option.value);
  }
}

export function category(code, k) {
  const control = state.facts.controls.find((each) => each.code === code);
  const text = state.names[key(control, k)];
  return text ? `${k} ${text}` : `${k}`;
}

function naming(of, title, element) {
  const input = element || document.createElement("input");
  Object.assign(input, { value: state.names[of] || "", title, disabled: !state.facts.keeps_names });
  input.className = "name";
  input.maxLength = state.facts.longest_name;
  input.dataset.key = of;
  input.setAttribute("aria-label", title);
  input.onkeydown = (event) => { if (event.key === "Enter") input.blur(); };
  input.onchange = async () => {
    try {
      state.names = (await ask({ show: "name", key: of, text: input.value })).names;
      say(state.names[of] ? `${of} is called ${state.names[of]}` : `${of} has no name`);
    } catch (e) {
      say(sentence(e), naming); // and what was typed stays
      return;
    }
    for (const other of document.querySelectorAll(".name")) {
      if (other !== document.activeElement) other.value = state.names[other.dataset.key] || "";
    }
    relabel();
  };
  return input;
}

export function tell() { // which share of the real images each category has
  for (const element of document.querySelectorAll("[data-share-of]")) {
    const share = state.shares[element.dataset.shareOf]?.[element.dataset.k];
    element.textContent = share === undefined ? "" : `${(100 * share).toFixed(1)} %`;
  }
}

