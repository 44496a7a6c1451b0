// What is set, and what the server said; each request is answered from it alone.
export const $ = (id) => document.getElementById(id);

export const state = {
  set: {}, free: new Set(), seed: 0, // c by its coordinates, those that are drawn, and z
  order: "like", at: 0, // of the real images
  rows: "", columns: "", // of the table
  facts: null, names: {}, shares: {},
  held: null, // the slider under the pointer
};

export async function ask(request) {
  const response = await fetch("ask", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || `the server says ${response.status}; its terminal says why`);
  return answer;
}

let wrong = null; // whose error is shown: what else goes well does not take it away

export function say(text, by = null) {
  $("status").textContent = text;
  $("status").className = by ? "wrong" : "";
  wrong = by;
}

export const sentence = (e) => (e instanceof TypeError ? "no answer: has infogan explore ended?" : e.message);

// Take an error away, if it is this one's.
export function unsay(by) {
  if (wrong === by) say("");
}
