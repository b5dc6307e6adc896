// The tooltip of one cell, and a token that is followed through all layers.

const tip = document.getElementById("tip");

function topRows(sample, token, layer) {
  const body = element("tbody");
  const first = sample.topCell(token, layer);
  for (let k = 0; k < report.ranks; ++k) {
    const text = sample.top[first + k];
    const probability = Math.exp(sample.topLogprob[first + k]);
    const bar = element("i");
    bar.style.width = `${Math.max(1, 100 * probability)}%`;
    body.append(element("tr", { class: text === sample.token[token] ? "emitted" : "" },
      element("th", { scope: "row" }, isolated(report.texts[text])),
      element("td", { class: "bar-cell" }, bar),
      element("td", { class: "number", "data-p": probability }, shortNumber(probability))));
  }
  return element("table", {}, body);
}

function tipValues(sample, token, layer) {
  const at = sample.cell(token, layer);
  const list = element("dl");
  const add = (name, key, value) => list.append(
    element("dt", {}, name), element("dd", { "data-value": key }, value));
  add("entropy, nats", "entropy", shortNumber(sample.entropy[at]));
  add("rank of the emitted token", "rank", String(sample.rank[at]));
  add("its log-probability", "logprob", shortNumber(sample.logprob[at]));
  add("KL(final || layer), nats", "kl", shortNumber(sample.kl[at]));
  return list;
}

// Beside the cell, inside the window.
function placeTip(cell) {
  const box = cell.getBoundingClientRect();
  const own = tip.getBoundingClientRect();
  const right = box.right + 10;
  const fits = right + own.width < window.innerWidth;
  const left = fits ? right : Math.max(4, box.left - own.width - 10);
  const top = Math.min(box.top, window.innerHeight - own.height - 6);
  tip.style.left = `${left}px`;
  tip.style.top = `${Math.max(4, top)}px`;
}

function showTip(sample, cell) {
  const token = +cell.dataset.token;
  const layer = +cell.dataset.layer;
  tip.replaceChildren(
    element("h4", {}, `Layer ${layer} \u00b7 token ${token + 1} `,
      isolated(sample.tokenText(token))),
    topRows(sample, token, layer),
    tipValues(sample, token, layer));
  tip.hidden = false;
  placeTip(cell);
  hideTip.owner?.removeAttribute("aria-describedby");
  cell.setAttribute("aria-describedby", "tip");
  hideTip.owner = cell;
}

function hideTip() {
  tip.hidden = true;
  hideTip.owner?.removeAttribute("aria-describedby");
  hideTip.owner = null;
}

// After scrolling, which focusing a cell may cause.
function followTip() {
  if (hideTip.owner) placeTip(hideTip.owner);
}

const mostFollowed = 7;

// Tokens that are on top at some layer, the emitted one left out, by their
// largest probability.
function rivalsOf(sample, token) {
  const best = new Map();
  for (let layer = 0; layer < report.layers; ++layer) {
    const first = sample.topCell(token, layer);
    const text = sample.top[first];
    const probability = Math.exp(sample.topLogprob[first]);
    if (text !== sample.token[token])
      best.set(text, Math.max(best.get(text) ?? 0, probability));
  }
  return [...best.entries()].sort((a, b) => b[1] - a[1]).map(([text]) => text);
}

function followedLine(sample, token, text, colour, isEmitted) {
  const values = [];
  for (let layer = 0; layer < report.layers; ++layer)
    values.push(sample.probability(text, token, layer));
  return {
    name: report.texts[text] + (isEmitted ? " (emitted)" : ""),
    values,
    colour,
    dots: true,
    width: isEmitted ? 3 : 1.5,
  };
}

// The end of the axis: the least of these that holds all values.
function axisEnd(lines) {
  const most = Math.max(...lines.flatMap((line) => line.values.filter(Number.isFinite)));
  return [0.01, 0.05, 0.1, 0.25, 0.5].find((end) => most <= end) ?? 1;
}

function pinPlot(sample, token) {
  const rivals = rivalsOf(sample, token);
  const lines = rivals.slice(0, mostFollowed).map((text, i) =>
    followedLine(sample, token, text,
      lineColours[(i + 1) % lineColours.length], false));
  lines.push(followedLine(sample, token, sample.token[token],
    lineColours[0], true));
  lines.reverse();
  const plot = linePlot({
    title: `Probability through the layers: token ${token + 1}`,
    most: axisEnd(lines),
    lines,
  });
  const more = rivals.length - mostFollowed;
  plot.append(element("p", { class: "hint" },
    "Besides the emitted token, those that are on top at some layer; a line " +
    `breaks where its token is not among the top ${report.ranks}.` +
    (more > 0 ? ` ${more} less probable ones are left out.` : "")));
  return plot;
}
