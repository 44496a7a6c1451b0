// What is set, and what was answered; each request is answered from it alone.
export const $ = (id) => document.getElementById(id);

export const state = {
  set: {}, free: new Set(), seed: 0, // c by its coordinates, those that are drawn, and z
  order: "like", at: 0, // of the real images
  rows: "", columns: "", // of the table
  facts: null, names: {}, shares: {},
  held: null, // the slider under the pointer
};

let wrong = null; // whose error is shown: what else goes well does not take it away

export function say(text, by = null) {
  $("status").textContent = text;
  $("status").className = by ? "wrong" : "";
  wrong = by;
}

// Take an error away, if it is this one's.
export function unsay(by) {
  if (wrong === by) say("");
}
