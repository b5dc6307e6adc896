// Lines over layers, as SVG.

// The figures' colours, which the style sheet changes on dark.
const lineColours = report.lineColours.map((colour, i) =>
  `var(--lens-c${i}, ${colour})`);

const plotArea = { left: 44, right: 10, top: 8, bottom: 34, width: 480, height: 240 };

function plotScales(spec) {
  const { left, right, top, bottom, width, height } = plotArea;
  const steps = Math.max(1, report.layers - 1);
  return {
    x: (layer) => left + (layer / steps) * (width - left - right),
    y: (value) =>
      height - bottom - (value / spec.most) * (height - top - bottom),
  };
}

function layerTicks() {
  const step = Math.max(1, Math.ceil(report.layers / 12));
  const ticks = [];
  for (let l = 0; l < report.layers; l += step) ticks.push(l);
  return ticks;
}

function plotAxes(spec, scales) {
  const { left, right, bottom, width, height } = plotArea;
  const group = svgElement("g");
  for (let i = 0; i <= 4; ++i) {
    const value = (spec.most * i) / 4;
    const y = scales.y(value);
    group.append(
      svgElement("line", { class: "grid", x1: left, x2: width - right, y1: y, y2: y }),
      svgElement("text", { x: left - 6, y: y + 4, "text-anchor": "end" },
        shortNumber(value, 3)));
  }
  for (const layer of layerTicks())
    group.append(svgElement("text",
      { x: scales.x(layer), y: height - bottom + 16, "text-anchor": "middle" },
      String(layer)));
  group.append(svgElement("text",
    { x: (left + width - right) / 2, y: height - 3, "text-anchor": "middle" },
    "layer"));
  return group;
}

// Runs of values that are there; a single one becomes a dot.
function runsOf(values) {
  const runs = [];
  let run = [];
  values.forEach((value, layer) => {
    if (Number.isFinite(value)) {
      run.push([layer, value]);
    } else if (run.length > 0) {
      runs.push(run);
      run = [];
    }
  });
  if (run.length > 0) runs.push(run);
  return runs;
}

function plotDot(line, scales, layer, value) {
  const dot = svgElement("circle",
    { cx: scales.x(layer), cy: scales.y(value), r: 2.5 },
    svgElement("title", {}, `layer ${layer}: ${line.name} ${shortNumber(value)}`));
  dot.style.fill = line.colour;
  return dot;
}

function plotLine(line, scales) {
  const group = svgElement("g", { fill: "none" });
  group.style.stroke = line.colour;
  for (const run of runsOf(line.values)) {
    const points = run.map(([l, v]) => `${scales.x(l).toFixed(1)},${scales.y(v).toFixed(1)}`);
    group.append(svgElement("polyline", {
      points: points.join(" "),
      "stroke-width": line.width ?? 2,
      "stroke-opacity": line.opacity ?? 1,
      "stroke-dasharray": line.dash ?? "none",
    }));
    if (line.dots)
      for (const [l, v] of run) group.append(plotDot(line, scales, l, v));
  }
  return group;
}

function plotLegend(lines) {
  const legend = element("ul", { class: "legend" });
  for (const line of lines) {
    if (!line.name) continue;
    const stroke = element("i");
    stroke.style.borderTopColor = line.colour;
    if (line.dash) stroke.style.borderTopStyle = "dashed";
    legend.append(element("li", {}, stroke, isolated(line.name)));
  }
  return legend;
}

// spec: {title, most, lines: [{name, values [layer], colour, dash, dots, width,
// opacity}]}. The y axis runs from 0 to most.
function linePlot(spec) {
  const scales = plotScales(spec);
  const { width, height } = plotArea;
  const svg = svgElement("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": spec.title,
  });
  svg.append(plotAxes(spec, scales));
  for (const line of spec.lines) svg.append(plotLine(line, scales));
  return element("div", { class: "plot" },
    element("h4", {}, spec.title), svg, plotLegend(spec.lines));
}
