// One sample, opened: picture, texts, heat map, curves.

function pictureOf(sample) {
  const holder = element("div", { class: "sample-picture" });
  if (sample.picture) {
    const image = element("img", {
      src: sample.picture.uri,
      width: sample.picture.width,
      height: sample.picture.height,
      alt: `Picture of sample ${sample.key}`,
    });
    holder.append(image);
  } else {
    holder.append(element("p", {},
      `The picture is not shown: ${sample.noPicture || "unknown"}.`));
  }
  return holder;
}

function textsOf(sample, row) {
  const list = element("dl", { class: "sample-texts" });
  const add = (name, value) => list.append(
    element("dt", {}, name), element("dd", { dir: "auto" }, value));
  add("Prompt", sample.prompt);
  add("Reference", sample.reference);
  add("Answer", sample.answer);
  if (row) {
    add("Score", `${shortNumber(row.score)} (${row.verdict})`);
    if (row.language) add("Language", row.language);
  }
  add("Picture", `${sample.width} \u00d7 ${sample.height} pixels`);
  return list;
}

function scaleKey(scale) {
  const canvas = element("canvas", { width: 128, height: 1, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const ramp = scale === "entropy" ? report.entropyRamp : report.probabilityRamp;
  for (let x = 0; x < 128; ++x) {
    context.fillStyle = rampColour(ramp, x / 127);
    context.fillRect(x, 0, 1, 1);
  }
  const end = scale === "entropy"
    ? `${shortNumber(report.largestEntropy)} nats (ln V)` : "1";
  return element("span", { class: "key" }, "0", canvas, end);
}

function entropyPlot(sample) {
  const lines = [];
  for (let token = 0; token < sample.tokens; ++token) {
    if (!sample.isAnswer(token)) continue;
    const at = sample.cell(token, 0);
    lines.push({
      values: [...sample.entropy.slice(at, at + report.layers)],
      colour: lineColours[0],
      width: 1,
      opacity: 0.25,
    });
  }
  lines.push({
    name: "mean over answer tokens",
    values: sample.meanEntropy(),
    colour: lineColours[0],
    width: 3,
    dots: true,
  });
  return linePlot({
    title: "Entropy by layer, nats",
    most: report.largestEntropy,
    lines,
  });
}

// Owns what is in #sample.
class SampleView {
  // onPin(token or null): told when the user pins or unpins.
  constructor(root, onPin) {
    this.root = root;
    this.onPin = onPin;
    this.scale = "entropy";
    this.sample = null;
    this.pinned = null;
  }

  close() {
    hideTip();
    this.sample = null;
    this.root.replaceChildren();
  }

  open(sample, row, neighbours) {
    hideTip();
    this.sample = sample;
    this.pinned = null;
    this.map = new HeatMap(sample, {
      show: (cell) => showTip(sample, cell),
      hide: hideTip,
      pin: (token) => this.onPin(token === this.pinned ? null : token),
    });
    this.controls = element("div", { class: "controls" });
    this.pinBox = element("div", { "aria-live": "polite" });
    this.root.replaceChildren(
      this.head(sample, neighbours),
      element("div", { class: "sample-body" }, pictureOf(sample), textsOf(sample, row)),
      this.controls,
      element("div", { class: "map-frame" }, this.map.table),
      this.lengthNote(sample),
      element("div", { class: "plots" }, entropyPlot(sample), this.pinBox));
    this.show(this.scale);
    this.pin(null);
  }

  head(sample, neighbours) {
    const step = (words, key) => {
      const button = element("button", { type: "button", disabled: !key }, words);
      button.addEventListener("click", () => openKey(key));
      return button;
    };
    return element("div", { class: "sample-head" },
      element("h3", { tabindex: "-1" }, sample.key),
      element("span", {}, step("\u2190 Previous", neighbours.before), " ",
        step("Next \u2192", neighbours.after)));
  }

  lengthNote(sample) {
    if (sample.leftOut === 0) return "";
    return element("p", { class: "quiet" },
      `${sample.leftOut} further tokens are in the results file only.`);
  }

  show(scale) {
    this.scale = scale;
    const button = (name, words) => {
      const made = element("button",
        { type: "button", "aria-pressed": String(scale === name) }, words);
      made.addEventListener("click", () => this.show(name));
      return made;
    };
    this.controls.replaceChildren(
      element("span", {}, "Colour: ", button("entropy", "entropy"), " ",
        button("probability", "probability of the top token")),
      scaleKey(scale),
      element("span", { class: "key" }, element("span", { class: "frame" }),
        "top token = emitted token"));
    this.map.paint(scale);
  }

  pin(token) {
    this.pinned = token;
    this.map.markPinned(token);
    this.pinBox.replaceChildren(token === null
      ? element("div", { class: "plot" }, element("p", { class: "hint" },
        "Click a token, or press Enter on it, to follow its probability " +
        "through the layers."))
      : pinPlot(this.sample, token));
  }
}
