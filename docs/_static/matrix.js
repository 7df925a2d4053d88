// Search, filters and sorting for the tables of the compatibility matrix; the tables are there without it.
"use strict";

(() => {
  const page = document.getElementById("compatibility-matrix");
  if (!page) return;
  const sections = [...page.querySelectorAll(":scope > section")];
  const rows = sections.flatMap((section) => {
    const table = section.querySelector("table");
    if (!table || table.tHead.rows[0].cells[1].textContent.trim() !== "state") return [];
    table.classList.add("matrix-table");
    const heading = section.querySelector("h2").firstChild.textContent;
    return [...table.tBodies[0].rows].map((row) => {
      const state = row.cells[1].textContent.trim();
      row.cells[1].classList.add("state-" + state.replace(" ", "-"));
      return { row, section, state, chapter: heading, text: row.textContent.toLowerCase() };
    });
  });

  const select = (label, values) => {
    const list = document.createElement("select");
    list.setAttribute("aria-label", label);
    list.append(new Option("every " + label, ""), ...values.map((value) => new Option(value, value)));
    return list;
  };
  const search = document.createElement("input");
  search.type = "search";
  search.placeholder = "Search names, signatures, notes";
  search.setAttribute("aria-label", "search");
  const chapter = select("chapter", [...new Set(rows.map((each) => each.chapter))]);
  const state = select("state", [...new Set(rows.map((each) => each.state))]);
  const count = document.createElement("output");
  const controls = { q: search, chapter, state };

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const filtered = words.length || chapter.value || state.value;
    let seen = 0;
    const alive = new Set();
    for (const each of rows) {
      const fits = (!chapter.value || each.chapter === chapter.value) && (!state.value || each.state === state.value)
        && words.every((word) => each.text.includes(word));
      each.row.hidden = !fits;
      if (fits) { seen += 1; alive.add(each.section); }
    }
    for (const section of sections) section.hidden = Boolean(filtered) && !alive.has(section);
    count.textContent = `${seen} of ${rows.length}`;
    const query = new URLSearchParams();
    for (const [name, control] of Object.entries(controls)) if (control.value) query.set(name, control.value);
    const address = query.size ? "?" + query : location.pathname;
    try { history.replaceState(null, "", address + location.hash); } catch { /* a page opened from disk */ }
  };

  const sortBy = (table, column, header) => {
    const down = header.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => row.cells[column].textContent.trim();
    const body = table.tBodies[0];
    const sorted = [...body.rows].sort((a, b) => key(a).localeCompare(key(b), undefined, { numeric: true }));
    body.append(...(down ? sorted.reverse() : sorted));
  };
  for (const table of page.querySelectorAll("table.matrix-table")) {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      header.setAttribute("aria-sort", "none");
      header.tabIndex = 0;
      header.addEventListener("click", () => sortBy(table, column, header));
      header.addEventListener("keydown", (event) => { if (event.key === "Enter") sortBy(table, column, header); });
    });
  }

  const given = new URLSearchParams(location.search);
  for (const [name, control] of Object.entries(controls)) {
    control.value = given.get(name) || "";
    control.addEventListener("input", apply);
  }
  const tools = document.createElement("div");
  tools.className = "matrix-tools";
  tools.setAttribute("role", "search");
  tools.append(search, chapter, state, count);
  sections[0].before(tools);
  apply();
})();
