// Requests, answered by G and Q in the browser itself: this file has all it needs and asks no one.
const DRAWS = 24, LIKELIEST = 5, GAP = 1, LINE = 89; // as infogan explore has them; 0.35 of 255
const bytes = async (id) => {
  const packed = Uint8Array.from(atob($(id).textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};
const facts = JSON.parse($("facts").textContent);
const { noise, coded: codes, shape, reads } = facts;

async function runtime() { // ONNX Runtime, from this file
  const text = new Blob([await bytes("ort")], { type: "text/javascript" });
  const ort = await import(URL.createObjectURL(text));
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = (await bytes("wasm")).buffer;
  ort.env.logLevel = "error";
  return ort;
}

let ready = null; // the runtime, G and Q, once each
function loaded() {
  ready ||= (async () => {
    if (!window.DecompressionStream) throw new Error("this browser is too old for this page: take one of 2023 or later");
    const ort = await runtime();
    const open = async (id) => ort.InferenceSession.create(await bytes(id));
    return { ort, G: await open("G"), Q: reads && await open("Q") };
  })();
  return ready;
}

let turn = Promise.resolve(); // a session answers one at a time
function inTurn(session, feeds) {
  turn = turn.catch(() => 0).then(() => session.run(feeds));
  return turn;
}

function uniform(seed) { // torch.rand of that seed: MT19937, 24 bits a number (Matsumoto & Nishimura 1998)
  const n = 624, s = new Uint32Array(n);
  s[0] = seed % 2 ** 32;
  for (let i = 1; i < n; i++) s[i] = Math.imul(1812433253, s[i - 1] ^ (s[i - 1] >>> 30)) + i;
  let at = n;
  return () => {
    if (at === n) {
      for (let i = 0; i < n; i++) {
        const y = (s[i] & 0x80000000) | (s[(i + 1) % n] & 0x7fffffff);
        s[i] = s[(i + 397) % n] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let y = s[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return (y & 0xffffff) / 2 ** 24;
  };
}

const z = (rand) => Float32Array.from({ length: noise }, () => 2 * rand() - 1);

function drawn(code, rand) { // c ~ P(c): its coordinates' values
  const one = {
    categorical: () => {
      let left = rand();
      const k = code.P.findIndex((p) => (left -= p) < 0);
      return k < 0 ? code.K - 1 : k;
    },
    uniform: () => code.low + (code.high - code.low) * rand(),
    gaussian: () => Math.sqrt(-2 * Math.log(1 - rand())) * Math.cos(2 * Math.PI * rand()),
    bernoulli: () => (rand() < 0.5 ? 0 : 1),
  }[code.kind];
  return code.coordinates.map((name) => [name, one()]);
}

async function G(rows) { // images of rows {z, set}, (n, C, H, W) in [0, 1]
  const { ort, G: session } = await loaded();
  const n = rows.length, feeds = {};
  if (noise) feeds.z = new ort.Tensor("float32", Float32Array.from(rows.flatMap((row) => [...row.z])), [n, noise]);
  for (const { name, kind, coordinates } of codes) {
    const values = rows.flatMap(({ set }) => coordinates.map((each) => set[each]));
    feeds[name] = kind === "categorical"
      ? new ort.Tensor("int64", BigInt64Array.from(values, (k) => BigInt(k)), [n])
      : new ort.Tensor("float32", Float32Array.from(values), [n, coordinates.length]);
  }
  const { x } = await inTurn(session, feeds);
  const size = x.data.length / n;
  return rows.map((_, i) => x.data.subarray(i * size, (i + 1) * size));
}

function painted(images, columns, gap = GAP) { // side by side, row by row, as the address of a PNG
  const [channels, h, w] = shape, rows = Math.ceil(images.length / columns);
  const canvas = Object.assign(document.createElement("canvas"), {
    width: columns * (w + gap) - gap, height: rows * (h + gap) - gap,
  });
  const context = canvas.getContext("2d");
  context.fillStyle = `rgb(${LINE} ${LINE} ${LINE})`;
  context.fillRect(0, 0, canvas.width, canvas.height);
  images.forEach((x, i) => {
    const pixels = context.createImageData(w, h);
    for (let p = 0; p < h * w; p++) {
      for (let c = 0; c < 3; c++) pixels.data[4 * p + c] = Math.round(255 * x[(channels > 1 ? c * h * w : 0) + p]);
      pixels.data[4 * p + 3] = 255;
    }
    context.putImageData(pixels, (i % columns) * (w + gap), Math.floor(i / columns) * (h + gap));
  });
  return canvas.toDataURL();
}
const png = (x) => painted([x], 1);

function shown(control, value) { // of many categories those around the value
  if (!control.k) return control.values;
  const first = Math.floor(control.values.indexOf(value) / facts.window) * facts.window;
  return control.values.slice(first, first + facts.window);
}

const controlled = (name) => facts.controls.find((control) => control.name === name);
const text = (value) => `${+value.toPrecision(9)}`;

function python(set, seed) { // the call that makes the picture
  const given = codes.map(({ name, coordinates, keyword }) => {
    const values = coordinates.map((each) => text(set[each]));
    const all = values.length > 1 ? `[${values.join(", ")}]` : values[0];
    return keyword ? `**{'${name}': ${all}}` : `${name}=${all}`;
  });
  return `model.generate(${[...given, `seed=${seed}`].join(", ")})`;
}

const answers = {
  facts: async () => (await loaded(), facts),

  async draw({ set, seed, free, only }) {
    const parts = [{ z: z(uniform(seed)), set }], strips = {};
    if (!only) {
      for (const control of facts.controls) {
        const values = shown(control, set[control.name]);
        strips[control.name] = { values, at: parts.length };
        parts.push(...values.map((value) => ({ z: parts[0].z, set: { ...set, [control.name]: value } })));
      }
      const rand = uniform(seed);
      const many = Array.from({ length: DRAWS }, () => ({ z: z(rand), set: { ...set } }));
      for (const row of many) {
        for (const code of codes) {
          for (const [name, value] of drawn(code, rand)) if (free.includes(name)) row.set[name] = value;
        }
      }
      parts.push(...many);
    }
    const images = (await G(parts)).map(png);
    for (const strip of Object.values(strips)) strip.images = images.slice(strip.at, strip.at + strip.values.length);
    return { picture: images[0], draws: only ? [] : images.slice(-DRAWS), strips, python: python(set, seed), shell: "" };
  },

  async random({ seed }) {
    const rand = uniform(seed);
    return { set: Object.fromEntries(codes.flatMap((code) => drawn(code, rand).map(([name, v]) => [name, +v.toPrecision(4)]))) };
  },

  async table({ set, seed, rows: down, columns: across }) {
    const [rows, columns] = [down, across].map((name) => shown(controlled(name), set[name]));
    const one = z(uniform(seed));
    const parts = rows.flatMap((r) => columns.map((c) => ({ z: one, set: { ...set, [down]: r, [across]: c } })));
    return { picture: painted(await G(parts), columns.length), rows, columns };
  },

  async read({ file, name }) {
    const { ort, Q } = await loaded();
    const x = await decoded(Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0)));
    const q = await inTurn(Q, { x: new ort.Tensor("float32", x, [1, ...shape]) });
    const values = {}, likely = {}, sd = {};
    for (const { name: code, kind, coordinates } of codes) {
      if (kind === "categorical") {
        const p = [...q[`${code}.p`].data].map((each, k) => [k, each]).sort((a, b) => b[1] - a[1]);
        likely[code] = p.slice(0, LIKELIEST);
        values[code] = p[0][0];
        continue;
      }
      const coin = kind === "bernoulli";
      const mean = q[coin ? `${code}.p` : `${code}.mean`].data;
      coordinates.forEach((each, i) => {
        values[each] = coin ? Math.round(mean[i]) : +mean[i].toPrecision(4);
        sd[each] = coin ? Math.sqrt(mean[i] * (1 - mean[i])) : q[`${code}.sd`].data[i];
      });
    }
    return { name, image: png(x), set: values, likely, sd };
  },
};

// A picture's bytes as Q sees it, (C, S, S) in [0, 1]: cut or padded, and shrunk by means over areas.
async function decoded(content) {
  let image;
  try {
    image = await createImageBitmap(new Blob([content]), { colorSpaceConversion: "none" });
  } catch {
    throw new Error("this picture cannot be read: not an image that this browser knows");
  }
  const S = shape[2], pad = reads.fit === "pad";
  const side = pad ? Math.max(image.width, image.height) : Math.min(image.width, image.height);
  const cut = pad ? [image.width, image.height] : [side, side];
  const [w, h] = pad ? cut.map((length) => Math.max(1, Math.round((length * S) / side))) : [S, S];
  const from = cut.map((length, i) => (pad ? 0 : Math.floor(([image.width, image.height][i] - length) / 2)));
  const grown = side < S; // then the browser grows it; else it is shrunk here
  const canvas = Object.assign(document.createElement("canvas"), grown ? { width: w, height: h } : { width: cut[0], height: cut[1] });
  const context = canvas.getContext("2d");
  context.fillStyle = `rgb(${reads.background.join(" ")})`;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, ...from, ...cut, 0, 0, canvas.width, canvas.height);
  const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
  const colours = [0, 1, 2].map((c) => shrunk(data, c, width, height, w, h));
  const grey = (r, g, b) => (299 * r + 587 * g + 114 * b) / 1000; // ITU-R 601, as Pillow
  const channels = shape[0] > 1 ? colours : [colours[0].map((r, p) => grey(r, colours[1][p], colours[2][p]))];
  const behind = shape[0] > 1 ? reads.background : [grey(...reads.background)];
  const x = new Float32Array(shape[0] * S * S), left = Math.floor((S - w) / 2), top = Math.floor((S - h) / 2);
  channels.forEach((plane, c) => {
    x.fill(Math.round(behind[c]) / 255, c * S * S, (c + 1) * S * S);
    for (let i = 0; i < h; i++) {
      for (let j = 0; j < w; j++) x[(c * S + top + i) * S + left + j] = Math.round(plane[i * w + j]) / 255;
    }
  });
  return x;
}

function shrunk(data, colour, width, height, w, h) { // one colour's means over areas, (h, w)
  const across = weights(width, w), down = weights(height, h);
  const lines = new Float64Array(height * w), found = new Float64Array(h * w);
  for (let i = 0; i < height; i++) {
    across.forEach((parts, j) => {
      for (const [at, share] of parts) lines[i * w + j] += share * data[4 * (i * width + at) + colour];
    });
  }
  down.forEach((parts, i) => {
    for (const [at, share] of parts) for (let j = 0; j < w; j++) found[i * w + j] += share * lines[at * w + j];
  });
  return found;
}

function weights(many, few) { // of which of the many is each of the few the mean, and how much
  const length = many / few;
  return Array.from({ length: few }, (_, i) => {
    const low = i * length, high = low + length, parts = [];
    for (let at = Math.floor(low); at < Math.min(many, Math.ceil(high - 1e-9)); at++) {
      parts.push([at, (Math.min(high, at + 1) - Math.max(low, at)) / length]);
    }
    return parts;
  });
}

export const ask = async (request) => answers[request.show](request);

export const sentence = (e) => e.message;
