// All samples that the page lists: filters, sorting, a window of rows.

const verdicts = ["right", "wrong", "no verdict", "failed"];
const rowsAtOnce = 100;

function readRows(table) {
  const dataset = integersOf(table.dataset, 1);
  const language = integersOf(table.language, 2);
  const verdict = integersOf(table.verdict, 1);
  const tokens = integersOf(table.tokens, 3);
  const columns = {};
  for (const name of ["score", "entropy", "onset", "depth", "settled"])
    columns[name] = floatsOf(table[name]);
  const rows = [];
  for (let i = 0; i < table.size; ++i) {
    const row = {
      order: i,
      dataset: report.datasets[dataset[i]],
      id: table.id[i],
      language: table.languages[language[i]],
      verdict: verdicts[verdict[i]],
      tokens: tokens[i],
      reference: table.reference[i] ?? "",
      answer: table.answer[i] ?? "",
      failure: i in table.failure ? table.reasons[table.failure[i]] : "",
    };
    for (const name of Object.keys(columns)) row[name] = columns[name][i];
    row.key = `${row.dataset}/${row.id}`;
    row.canOpen = packedSamples.has(row.key);
    const packed = packedSamples.get(row.key);
    row.text = [row.key, row.language, packed?.prompt ?? "",
      packed?.reference ?? row.reference, packed?.answer ?? row.answer,
      row.failure].join("\n").toLowerCase();
    rows.push(row);
  }
  return rows;
}

const listColumns = [
  { name: "sample", of: (row) => row.order, text: (row) => row.key },
  { name: "language", of: (row) => row.language, text: (row) => row.language },
  { name: "result", of: (row) => row.verdict, text: (row) => row.verdict },
  { name: "score", number: true, of: (row) => row.score },
  { name: "tokens", number: true, of: (row) => row.tokens },
  { name: "entropy", number: true, of: (row) => row.entropy,
    title: "Mean entropy of the answer tokens at the last layer, nats" },
  { name: "onset", number: true, of: (row) => row.onset,
    title: "Entropy onset of the sample's mean curve, a layer" },
  { name: "depth", number: true, of: (row) => row.depth,
    title: "Mean prediction depth of its answer tokens, a layer" },
  { name: "settled", number: true, of: (row) => row.settled,
    title: "Layer from which on the whole answer stands" },
  { name: "answer", of: (row) => row.answer, text: (row) => row.answer || row.failure,
    class: "text" },
  { name: "reference", of: (row) => row.reference, text: (row) => row.reference,
    class: "text" },
];

// Missing numbers come last, whichever way is sorted.
function compareBy(column, sign) {
  return (a, b) => {
    const x = column.of(a);
    const y = column.of(b);
    if (Number.isNaN(x) || Number.isNaN(y))
      return Number.isNaN(x) - Number.isNaN(y) || a.order - b.order;
    const order = typeof x === "string" ? x.localeCompare(y) : x - y;
    return sign * order || a.order - b.order;
  };
}

function choiceBox(words, values, onChange) {
  const select = element("select");
  select.append(element("option", { value: "" }, "all"));
  for (const value of values) select.append(element("option", { value }, value));
  select.addEventListener("change", onChange);
  return [element("label", {}, words, select), select];
}

class SampleList {
  constructor(root, rows, onOpen) {
    this.root = root;
    this.rows = rows;
    this.onOpen = onOpen;
    this.sorted = null;
    this.sign = 1;
    this.shown = rowsAtOnce;
    this.openKey = null;
    this.build();
    this.update();
  }

  build() {
    const again = () => {
      this.shown = rowsAtOnce;
      this.update();
    };
    const distinct = (name) =>
      [...new Set(this.rows.map((row) => row[name]))].filter(Boolean).sort();
    const [datasetBox, dataset] = choiceBox("Data set", distinct("dataset"), again);
    const [languageBox, language] = choiceBox("Language", distinct("language"), again);
    const [verdictBox, verdict] = choiceBox("Result", distinct("verdict"), again);
    const text = element("input", { type: "search", placeholder: "id, prompt, answer \u2026" });
    text.addEventListener("input", again);
    const openable = element("input", { type: "checkbox" });
    openable.addEventListener("change", again);
    this.filters = { dataset, language, verdict, text, openable };
    this.count = element("p", { class: "count", role: "status" });
    this.body = element("tbody");
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("tr.can-open");
      if (row) this.onOpen(row.dataset.key);
    });
    this.more = element("button", { type: "button", class: "more" }, "Show more");
    this.more.addEventListener("click", () => {
      this.shown += rowsAtOnce;
      this.update();
    });
    this.root.replaceChildren(
      element("div", { class: "filters" }, datasetBox, languageBox, verdictBox,
        element("label", {}, "Text", text),
        element("label", { class: "check" }, openable, "can be opened")),
      this.count,
      element("div", { class: "list", tabindex: "0", role: "region", "aria-label": "Samples" },
        element("table", {}, element("thead", {}, this.headRow()), this.body),
        this.more));
  }

  headRow() {
    const row = element("tr");
    this.heads = listColumns.map((column) => {
      const button = element("button", { type: "button", title: column.title ?? null },
        column.name);
      button.addEventListener("click", () => this.sortBy(column));
      const head = element("th", {
        scope: "col",
        "aria-sort": "none",
        class: column.number ? "number" : "",
      }, button);
      row.append(head);
      return head;
    });
    return row;
  }

  sortBy(column) {
    this.sign = this.sorted === column ? -this.sign : 1;
    this.sorted = column;
    this.heads.forEach((head, i) => {
      const own = listColumns[i] === column;
      const way = this.sign > 0 ? "ascending" : "descending";
      head.setAttribute("aria-sort", own ? way : "none");
      head.firstChild.textContent = listColumns[i].name +
        (own ? (this.sign > 0 ? " \u25b2" : " \u25bc") : "");
    });
    this.update();
  }

  matching() {
    const { dataset, language, verdict, text, openable } = this.filters;
    const words = text.value.trim().toLowerCase();
    const rows = this.rows.filter((row) =>
      (!dataset.value || row.dataset === dataset.value) &&
      (!language.value || row.language === language.value) &&
      (!verdict.value || row.verdict === verdict.value) &&
      (!openable.checked || row.canOpen) &&
      (!words || row.text.includes(words)));
    if (this.sorted) return rows.sort(compareBy(this.sorted, this.sign));
    return rows.sort((a, b) => b.canOpen - a.canOpen || a.order - b.order);
  }

  update() {
    this.visible = this.matching();
    const rows = this.visible.slice(0, this.shown);
    this.body.replaceChildren(...rows.map((row) => this.line(row)));
    this.more.hidden = this.visible.length <= this.shown;
    const hidden = this.visible.length - rows.length;
    this.count.textContent = `${this.visible.length} of ${this.rows.length} samples` +
      (hidden > 0 ? `, the first ${rows.length} are shown` : "");
  }

  line(row) {
    const line = element("tr", {
      "data-key": row.key,
      class: (row.canOpen ? "can-open" : "") + (row.key === this.openKey ? " open" : ""),
    });
    for (const column of listColumns) {
      if (column.number) {
        line.append(element("td", { class: "number" }, shortNumber(column.of(row))));
        continue;
      }
      const text = column.text(row);
      const cell = element("td", { class: column.class ?? row.verdict, dir: "auto", title: text });
      if (column.name === "sample") {
        cell.className = "";
        cell.append(row.canOpen
          ? element("a", { href: hashOf(row.key, null) }, `\u25a6 ${text}`) : text);
      } else {
        if (column.name === "language") cell.className = "";
        cell.append(text);
      }
      line.append(cell);
    }
    return line;
  }

  markOpen(key) {
    this.openKey = key;
    for (const line of this.body.children)
      line.classList.toggle("open", line.dataset.key === key);
  }

  // Keys that can be opened, before and after this one in the order shown.
  neighbours(key) {
    const keys = this.visible.filter((row) => row.canOpen).map((row) => row.key);
    const at = keys.indexOf(key);
    return { before: keys[at - 1] ?? null, after: at < 0 ? keys[0] ?? null : keys[at + 1] ?? null };
  }
}
