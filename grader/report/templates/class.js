const number = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const compare = (numbers, a, b) => numbers ? (a === "" ? -Infinity : +a) - (b === "" ? -Infinity : +b) || 0 : number.compare(a, b);
// A button in a column's head: sort(1) sorts upwards, sort(-1) downwards; numbers begin with the largest.
const sortBy = (table, head, numbers, sort) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "sort";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const again = head.getAttribute("aria-sort") === (numbers ? "descending" : "ascending");
    const first = numbers === again ? 1 : -1;
    for (const other of table.querySelectorAll("thead th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", first === 1 ? "ascending" : "descending");
    sort(first);
  });
};
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  table.querySelectorAll("thead th").forEach((head, column) => {
    if (!head.dataset.sort) return;
    const numbers = head.dataset.sort === "number";
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
    sortBy(table, head, numbers, (first) => {
      body.append(...rows.slice().sort((a, b) => first * compare(numbers, key(a), key(b))));
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
