// Tokens x layers of one sample as a table: the last layer on top, tokens from
// left to right in the order they were emitted. A red frame where the layer's
// top token is the emitted one.

function rampColour(ramp, share) {
  const last = ramp.length - 1;
  const place = Math.round(Math.min(1, Math.max(0, share)) * last);
  return ramp[place];
}

// Black or white, whichever reads better on a "#rrggbb".
function inkOn(colour) {
  const channel = (at) => {
    const c = parseInt(colour.slice(at, at + 2), 16) / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  const light = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
  return light > 0.179 ? "#000000" : "#ffffff";
}

function cellColour(sample, token, layer, scale) {
  if (scale === "probability") {
    const logprob = sample.topLogprob[sample.topCell(token, layer)];
    return rampColour(report.probabilityRamp, Math.exp(logprob));
  }
  const entropy = sample.entropy[sample.cell(token, layer)];
  return rampColour(report.entropyRamp, entropy / report.largestEntropy);
}

function paintCell(cell, sample, scale) {
  const colour = cellColour(sample, +cell.dataset.token, +cell.dataset.layer, scale);
  cell.style.backgroundColor = colour;
  cell.style.color = inkOn(colour);
}

function heatMapCell(sample, token, layer) {
  const cell = element("td", {
    "data-token": token,
    "data-layer": layer,
    tabindex: "-1",
    class: sample.isMatch(token, layer) ? "match" : "",
  });
  cell.append(isolated(report.texts[sample.topToken(token, layer)]));
  return cell;
}

function heatMapRow(sample, layer) {
  const row = element("tr", {}, element("th", { scope: "row" }, String(layer)));
  for (let token = 0; token < sample.tokens; ++token)
    row.append(heatMapCell(sample, token, layer));
  return row;
}

function tokenRow(sample) {
  const row = element("tr", { class: "tokens" },
    element("th", { scope: "row" }, "layer"));
  for (let token = 0; token < sample.tokens; ++token)
    row.append(element("th", {
      scope: "col",
      "data-token": token,
      class: sample.role[token] < 3 ? "question" : "",
      title: sample.tokenText(token),
    }, isolated(sample.tokenText(token))));
  return row;
}

function cellWords(sample, token, layer) {
  const top = report.texts[sample.topToken(token, layer)];
  const at = sample.cell(token, layer);
  return `layer ${layer}, token ${token + 1} ${sample.tokenText(token)}: top ` +
    `${top}, entropy ${shortNumber(sample.entropy[at])} nats, rank of the ` +
    `emitted token ${sample.rank[at]}`;
}

class HeatMap {
  // on.show(cell), on.hide(), on.pin(token)
  constructor(sample, on) {
    this.sample = sample;
    this.on = on;
    const body = element("tbody");
    for (let layer = report.layers - 1; layer >= 0; --layer)
      body.append(heatMapRow(sample, layer));
    this.table = element("table", {
      class: "map",
      role: "grid",
      "aria-label": "Top token of every layer (rows, the last on top) for " +
        "every token (columns). Arrow keys move, Enter pins a token.",
    }, body, element("tfoot", {}, tokenRow(sample)));
    this.listen();
    this.cellAt(0, report.layers - 1)?.setAttribute("tabindex", "0");
  }

  paint(scale) {
    for (const cell of this.table.querySelectorAll("td"))
      paintCell(cell, this.sample, scale);
  }

  markPinned(token) {
    for (const cell of this.table.querySelectorAll(".pinned"))
      cell.classList.remove("pinned");
    this.table.classList.toggle("has-pin", token !== null);
    if (token === null) return;
    for (const cell of this.table.querySelectorAll(`[data-token="${token}"]`))
      cell.classList.add("pinned");
  }

  cellAt(token, layer) {
    return this.table.querySelector(
      `td[data-token="${token}"][data-layer="${layer}"]`);
  }

  listen() {
    const cellOf = (event) => event.target.closest("td");
    this.table.addEventListener("mouseover", (event) => {
      const cell = cellOf(event);
      if (cell) this.on.show(cell);
      else this.on.hide();
    });
    this.table.addEventListener("mouseleave", () => this.on.hide());
    this.table.addEventListener("focusin", (event) => this.focused(cellOf(event)));
    this.table.addEventListener("focusout", () => this.on.hide());
    this.table.addEventListener("click", (event) => {
      const cell = event.target.closest("[data-token]");
      if (cell) this.on.pin(+cell.dataset.token);
    });
    this.table.addEventListener("keydown", (event) => this.key(event));
  }

  focused(cell) {
    if (!cell) return;
    const { token, layer } = cell.dataset;
    cell.setAttribute("aria-label", cellWords(this.sample, +token, +layer));
    for (const other of this.table.querySelectorAll('td[tabindex="0"]'))
      other.setAttribute("tabindex", "-1");
    cell.setAttribute("tabindex", "0");
    this.on.show(cell);
  }

  key(event) {
    const cell = event.target.closest("td");
    if (!cell) return;
    const token = +cell.dataset.token;
    const layer = +cell.dataset.layer;
    const goals = {
      ArrowLeft: [token - 1, layer],
      ArrowRight: [token + 1, layer],
      ArrowUp: [token, layer + 1],
      ArrowDown: [token, layer - 1],
      Home: [0, layer],
      End: [this.sample.tokens - 1, layer],
      PageUp: [token, report.layers - 1],
      PageDown: [token, 0],
    };
    if (event.key in goals) {
      this.cellAt(...goals[event.key])?.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      this.on.pin(token);
    } else if (event.key === "Escape") {
      this.on.hide();
    } else {
      return;
    }
    event.preventDefault();
  }
}
