// What DataTables does with the tables of the compatibility matrix; they stand there without it.
"use strict";

(() => {
  const page = document.getElementById("compatibility-matrix");
  const chapters = new Map();
  for (const section of page.querySelectorAll(":scope > section")) {
    const table = section.querySelector("table");
    if (table?.tHead.rows[0].cells[1].textContent.trim() !== "state") continue;
    table.classList.add("matrix-table");
    chapters.set(section, section.querySelector("h2").firstChild.textContent);
  }

  const number = (cell, purpose) => purpose === "sort" ? parseInt(cell.replace(/<[^>]*>/g, "")) || 0 : cell;
  const counts = { targets: [-5, -4, -3, -2], type: "num", render: number, orderSequence: ["desc", "asc", ""] };
  const tables = new DataTable("table.matrix-table", {
    layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null },
    paging: false, autoWidth: false, order: [], columnDefs: [counts],
    createdRow: (row) => row.cells[1].classList.add("state-" + row.cells[1].textContent.trim().replace(" ", "-")),
  });

  const labelled = (element, label, properties, ...content) => {
    Object.assign(element, properties).setAttribute("aria-label", label);
    element.append(...content);
    return element;
  };
  const choice = (label, values) => labelled(document.createElement("select"), label, {},
    new Option("every " + label, ""), ...[...values].map((value) => new Option(value, value)));
  const search = labelled(document.createElement("input"), "search",
    { type: "search", placeholder: "Search names, signatures, notes" });
  const chapter = choice("chapter", chapters.values());
  const states = tables.columns(1).nodes().flatten().map((cell) => cell.textContent.trim()).unique();
  const state = choice("state", states.toArray());
  const shown = document.createElement("output");
  const controls = { q: search, chapter, state };

  const apply = () => {
    const query = new URLSearchParams();
    for (const [name, control] of Object.entries(controls)) if (control.value) query.set(name, control.value);
    tables.search(search.value).columns(1).search(state.value, { exact: state.value !== "" }).draw();
    let seen = 0;
    for (const section of page.querySelectorAll(":scope > section")) section.hidden = query.size > 0;
    [...chapters].forEach(([section, title], index) => {
      const found = tables.table(index).rows({ search: "applied" }).count();
      section.hidden = !found || (chapter.value !== "" && chapter.value !== title);
      seen += section.hidden ? 0 : found;
    });
    shown.textContent = `${seen} of ${tables.rows().count()}`;
    const address = query.size ? "?" + query : location.pathname;
    try { history.replaceState(null, "", address + location.hash); } catch { /* a page opened from disk */ }
  };

  const given = new URLSearchParams(location.search);
  for (const [name, control] of Object.entries(controls)) {
    control.value = given.get(name) || "";
    control.addEventListener("input", apply);
  }
  page.querySelector(":scope > section").before(
    labelled(document.createElement("div"), "the matrix", { className: "matrix-tools", role: "search" },
      search, chapter, state, shown));
  apply();
})();
