// Requests, answered by the server that the page came from.
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

export const sentence = (e) => (e instanceof TypeError ? "no answer: has infogan explore ended?" : e.message);
