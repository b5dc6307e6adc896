// Puts the page together: what is open stands in the URL's hash.

function hashOf(key, token) {
  const pin = token === null ? "" : `&token=${token + 1}`;
  return `#sample=${encodeURIComponent(key)}${pin}`;
}

// {key, token} of the hash; null where it names no sample.
function readHash() {
  const match = /^#sample=([^&]+)(?:&token=(\d+))?$/.exec(location.hash);
  if (!match) return null;
  try {
    return {
      key: decodeURIComponent(match[1]),
      token: match[2] ? Number(match[2]) - 1 : null,
    };
  } catch {
    return null;
  }
}

const rows = readRows(report.table);
const rowOf = new Map(rows.map((row) => [row.key, row]));

// At once; the browser tells of the new hash later, when nothing is left to do.
function goTo(hash) {
  location.hash = hash;
  followHash(true);
}

function openKey(key) {
  goTo(hashOf(key, null));
}

const view = new SampleView(document.getElementById("sample"), (token) =>
  goTo(hashOf(view.sample.key, token)));
const list = new SampleList(document.getElementById("sample-list"), rows, openKey);

// Says that the sample which the hash names cannot be opened; null: it can.
function tellMissing(key) {
  const note = document.getElementById("sample-missing");
  note.hidden = key === null;
  note.textContent = key === null ? "" : rowOf.has(key)
    ? `${key} is in the list, but not among the samples shown token by token.`
    : `There is no sample ${key} in this report.`;
}

// Opens what the hash names; `scroll` brings it into sight.
function followHash(scroll) {
  const wanted = readHash();
  const sample = wanted && findSample(wanted.key);
  tellMissing(wanted && !sample ? wanted.key : null);
  if (!sample) return;
  if (view.sample !== sample) {
    view.open(sample, rowOf.get(sample.key), list.neighbours(sample.key));
    list.markOpen(sample.key);
    if (scroll) view.root.scrollIntoView({ block: "start" });
  }
  const inside = wanted.token !== null && wanted.token < sample.tokens;
  view.pin(inside ? wanted.token : null);
}

function openFirst() {
  const first = list.visible.find((row) => row.canOpen);
  if (!view.sample && first)
    view.open(findSample(first.key), first, list.neighbours(first.key));
  if (view.sample) list.markOpen(view.sample.key);
}

function offerFiles() {
  for (const button of document.querySelectorAll("[data-csv]"))
    button.addEventListener("click", () =>
      saveFile(`${button.dataset.csv}.csv`, "text/csv", report.csv[button.dataset.csv]));
  for (const button of document.querySelectorAll("[data-svg]"))
    button.addEventListener("click", () => {
      const svg = document.querySelector(`#figure-${button.dataset.svg} > svg`);
      saveFile(`${button.dataset.svg}.svg`, "image/svg+xml",
        new XMLSerializer().serializeToString(svg));
    });
  const study = document.getElementById("study-file");
  study.hidden = false;
  study.addEventListener("click", () => saveFile("study.json", "application/json",
    document.getElementById("lens-study").textContent));
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

function offerThemes() {
  const button = document.getElementById("theme");
  const name = () => {
    button.textContent = isDark() ? "Light" : "Dark";
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
}

// On paper the provenance comes last, and what is folded away is shown.
function offerPaper() {
  const provenance = document.getElementById("provenance");
  const header = provenance.parentNode;
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const details of opened) details.open = true;
    document.querySelector("main").append(provenance);
  });
  window.addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
    header.append(provenance);
  });
}

window.addEventListener("hashchange", () => followHash(true));
window.addEventListener("scroll", followTip, { passive: true, capture: true });

offerThemes();
offerFiles();
offerPaper();
followHash(false);
openFirst();
