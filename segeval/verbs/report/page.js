"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const rows = data.rows.map((values) => Object.fromEntries(data.fields.map((field, i) => [field, values[i]])));
  const $ = (id) => document.getElementById(id);
  document.body.classList.remove("no-script");

  // --- cases: one table, filtered and walked through
  const marks = new Map(Object.entries(data.marks || {}).map(([name, [value, comment]]) => [name, { mark: value, comment }])); // of an earlier review
  for (const row of rows) if (marks.has(row.case)) row.mark = marks.get(row.case).mark;
  let table = null;
  let ready = false;
  const undefinedLast = (a, b, _rowA, _rowB, _column, direction) => {
    const [x, y] = [a, b].map((v) => (v === "inf" ? Infinity : v === "-inf" ? -Infinity : v));
    if (x === null || y === null) return x === y ? 0 : (x === null) === (direction === "asc") ? 1 : -1;
    return typeof x === "number" ? x - y : String(x).localeCompare(String(y), undefined, { numeric: true });
  };
  const text = (value) => (value === null || value === undefined ? "–" : value === "inf" ? "∞" : value === "-inf" ? "−∞"
    : typeof value === "number" && !Number.isInteger(value) ? value.toFixed(3) : String(value));
  const plain = (cell) => { const span = document.createElement("span"); span.textContent = text(cell.getValue()); return span; };
  if ($("case-table") && rows.length) {
    const numeric = (field) => ({ title: field, field, sorter: undefinedLast, formatter: plain, hozAlign: "right" });
    const named = (field) => ({ title: field, field, sorter: "alphanum", formatter: plain });
    table = new Tabulator("#case-table", {
      data: rows, nestedFieldSeparator: false, height: Math.min(440, 70 + 30 * rows.length), layout: "fitDataStretch", renderVertical: "virtual",
      columnDefaults: { titleFormatter: (cell) => { const span = document.createElement("span"); span.textContent = cell.getValue(); return span; } },
      columns: [named("case"), named("class"), named("status"), numeric("n_pred"), numeric("n_truth"), ...data.measures.map(numeric),
        { title: "mark", field: "mark", formatter: plain }],
      rowFormatter: (row) => row.getElement().classList.toggle("chosen", row.getData().case === chosen),
    });
    table.on("tableBuilt", () => { ready = true; tellRoles(); refilter(); });
    table.on("rowClick", (_event, row) => choose(row.getData().case, false));
  }
  function tellRoles() { // the part that scrolls takes the focus, so it has to be one of those that a grid may hold
    document.querySelector(".tabulator-tableholder").setAttribute("role", "rowgroup");
    document.querySelector(".tabulator-table").removeAttribute("role");
  }
  const wanted = () => ({ find: $("find").value.toLowerCase(), of: $("of-class").value, status: $("of-status").value });
  function refilter() {
    if (!ready) return;
    const { find, of, status } = wanted();
    table.setFilter((row) => (!find || `${row.case} ${row.class}`.toLowerCase().includes(find)) && (!of || row.class === of) && (!status || row.status === status));
  }
  for (const id of ["find", "of-class", "of-status"]) if ($(id)) $(id).addEventListener("input", refilter);
  if ($("all-cases")) $("all-cases").addEventListener("click", () => { for (const id of ["find", "of-class", "of-status"]) $(id).value = ""; refilter(); });

  // --- the case that is looked at
  let chosen = null;
  function choose(name, scroll) {
    chosen = name;
    for (const picture of document.querySelectorAll(".picture")) picture.classList.toggle("chosen", picture.dataset.case === name);
    if ($("find") && scroll) { $("of-class").value = ""; $("of-status").value = ""; $("find").value = name; refilter(); }
    if (ready) for (const row of table.getRows("visible")) row.reformat();
    if ($("review")) {
      $("review").hidden = false;
      $("review-case").textContent = name;
      $("review-mark").textContent = marks.has(name) ? marks.get(name).mark : "";
      $("review-comment").value = marks.has(name) ? marks.get(name).comment : "";
    }
    if (scroll) {
      const picture = [...document.querySelectorAll(".picture")].find((figure) => figure.dataset.case === name);
      (picture || $("cases")).scrollIntoView({ block: "start" });
    }
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.case");
    if (link) { event.preventDefault(); choose(link.dataset.case, true); }
  });

  // --- review: marks and comments, downloaded as a table that the gate reads
  function mark(value) {
    if (chosen === null) return;
    marks.set(chosen, { mark: value, comment: $("review-comment").value });
    for (const row of rows) if (row.case === chosen) row.mark = value;
    if (ready) for (const row of table.getRows()) if (row.getData().case === chosen) row.update({ mark: value });
    $("review-mark").textContent = value;
    tellMarks();
  }
  function tellMarks() { if ($("n-marks")) $("n-marks").textContent = `${marks.size} of ${new Set(rows.map((row) => row.case)).size} cases marked`; }
  if (marks.size) tellMarks();
  for (const button of document.querySelectorAll("button[data-mark]")) button.addEventListener("click", () => mark(button.dataset.mark));
  if ($("review-comment")) $("review-comment").addEventListener("input", () => { if (marks.has(chosen)) marks.get(chosen).comment = $("review-comment").value; });
  if ($("review")) $("review").addEventListener("submit", (event) => event.preventDefault());
  // what a spreadsheet would run as a formula gets an apostrophe, as in the tables of the run
  const cell = (value) => { const safe = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value; return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe; };
  const reviewCsv = () => "case,reviewed,comment\n" + [...marks].map(([name, { mark: value, comment }]) => [name, value, comment].map(cell).join(",") + "\n").join("");
  if ($("download")) $("download").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([reviewCsv()], { type: "text/csv" }));
    link.download = "review.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { j: 1, k: -1 }[event.key];
    if (step && data.worst.length) {
      const at = data.worst.indexOf(chosen);
      choose(data.worst[(at + step + data.worst.length + (at < 0 && step < 0 ? 1 : 0)) % data.worst.length], true);
      event.preventDefault();
    }
    const value = { p: "pass", f: "fail", "?": "unsure" }[event.key];
    if (value) { mark(value); event.preventDefault(); }
  });

  // --- slices of a picture
  for (const range of document.querySelectorAll("input[data-slices]")) {
    const images = [...range.closest(".slices").querySelectorAll("img")];
    const turn = () => images.forEach((image, i) => { image.hidden = i !== Number(range.value); if (!image.hidden) range.closest(".slices").querySelector("output").value = image.dataset.number; });
    range.addEventListener("input", turn);
    turn();
  }

  // --- charts: specifications come with the page; the interpreter needs no code made of text
  const charts = data.charts || {};
  const view = {};
  // the page's own colours, which are those of paper while it is printed
  function themed(spec) {
    const style = getComputedStyle(document.documentElement);
    const [ink, soft, line, paper] = ["ink", "soft", "line", "paper"].map((name) => style.getPropertyValue(`--${name}`).trim());
    const config = spec.config, words = { labelColor: ink, titleColor: ink };
    return { ...spec, background: paper, config: { ...config, axis: { ...config.axis, ...words, gridColor: line, domainColor: soft, tickColor: soft }, legend: { ...config.legend, ...words, symbolBaseFillColor: ink, symbolBaseStrokeColor: ink }, title: { color: ink }, rule: { color: soft }, text: { color: ink } } };
  }
  function draw(name) {
    const compiled = vegaLite.compile(themed(charts[name]), { logger: { level() { return this; }, error() { return this; }, warn() { return this; }, info() { return this; }, debug() { return this; } } }).spec;
    if (view[name]) view[name].finalize();
    view[name] = new vega.View(vega.parse(compiled, null, { ast: true }), { expr: vega.expressionInterpreter, renderer: "canvas", container: $(`chart-${name}`), hover: true });
    if (!charts[name].data.values) view[name].data("rows", rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, value === "inf" || value === "-inf" ? null : value]))));
    view[name].addEventListener("click", (_event, item) => { if (item && item.datum && item.datum.case) choose(item.datum.case, true); });
    view[name].runAsync();
  }
  const field = (name) => name.replace(/[\\.[\]]/g, "\\$&");
  const title = (name) => (data.units[name] ? `${name} (${data.units[name]})` : name);
  function retarget(part, channel, name) {
    const units = part.layer || [part];
    for (const unit of units) {
      const at = unit.encoding && unit.encoding[channel];
      if (!at || !at.field) continue;
      at.field = field(name); at.title = title(name);
      const bounded = data.bounds[name];
      at.scale = bounded ? { domain: [0, 1] } : {};
      for (const tip of unit.encoding.tooltip || []) if (tip.format) { tip.field = field(name); tip.title = name; }
    }
  }
  for (const select of document.querySelectorAll("select[data-chart]")) select.addEventListener("change", () => {
    retarget(charts[select.dataset.chart], select.dataset.axis === "measure" ? "x" : select.dataset.axis, select.value);
    draw(select.dataset.chart);
  });
  // a chart of many thousand points takes a while, so each is drawn when a reader comes to it, and all of them for paper
  const drawOnce = (name) => { if (!view[name]) draw(name); };
  const near = new IntersectionObserver((entries) => { for (const entry of entries) if (entry.isIntersecting) { near.unobserve(entry.target); drawOnce(entry.target.id.slice("chart-".length)); } }, { rootMargin: "200px" });
  for (const name of Object.keys(charts)) near.observe($(`chart-${name}`));
  window.addEventListener("beforeprint", () => { document.documentElement.classList.add("paper"); Object.keys(charts).forEach(draw); });
  window.addEventListener("afterprint", () => { document.documentElement.classList.remove("paper"); Object.keys(view).forEach(draw); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => Object.keys(view).forEach(draw));
  window.segeval = { choose, mark, reviewCsv, view, ready: () => ready || !rows.length };
})();
