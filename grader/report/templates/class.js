const number = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  table.querySelectorAll("thead th").forEach((head, column) => {
    if (!head.dataset.sort) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === (head.dataset.sort === "number" ? "descending" : "ascending");
      const first = head.dataset.sort === "number" ? (down ? 1 : -1) : (down ? -1 : 1);
      for (const other of table.querySelectorAll("thead th")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", first === 1 ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const order = head.dataset.sort === "number"
        ? (a, b) => (key(a) === "" ? -Infinity : +key(a)) - (key(b) === "" ? -Infinity : +key(b)) || 0
        : (a, b) => number.compare(key(a), key(b));
      body.append(...rows.slice().sort((a, b) => first * order(a, b)));
    });
  });
}
const filter = document.getElementById("filter");
if (filter) {
  const words = filter.querySelector("input");
  const only = filter.querySelector("select");
  const count = filter.querySelector("output");
  const rows = [...document.querySelectorAll("#submissions tbody tr")];
  const apply = () => {
    const wanted = words.value.trim().toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const text = `${row.cells[0].textContent} ${row.querySelector(".status").textContent}`.toLowerCase();
      const fits = wanted.every((word) => text.includes(word)) && (!only.value || row.dataset.kind.split(" ").includes(only.value));
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${rows.length}`;
  };
  filter.hidden = false;
  words.addEventListener("input", apply);
  only.addEventListener("change", apply);
  apply();
}
