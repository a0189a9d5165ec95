// A class of thousands: rows are data, and as many as fit a screen or two are in the page.
const data = document.getElementById("rows");
if (data) {
  const rows = JSON.parse(data.textContent);
  const table = document.getElementById("submissions");
  const find = document.getElementById("find");
  const [words, only] = [find.querySelector("input"), find.querySelector("select")];
  const [back, on] = find.querySelectorAll("button");
  const count = find.querySelector("output");
  const EACH = 100;
  const texts = rows.map((row) => `${row.name} ${row.id} ${row.status}`.toLowerCase());
  let order = rows.map((_, i) => i), found = order, from = 0;
  const cell = (kind, text, name = "") => {
    const made = document.createElement(kind);
    made.textContent = text;
    made.className = name;
    return made;
  };
  const link = (folder, page, text, whose) => {
    const made = document.createElement("a");
    made.href = `${folder}/${page}`;
    made.textContent = text;
    made.setAttribute("aria-label", `${whose} page`);
    return made;
  };
  const made = (row) => {
    const line = document.createElement("tr");
    const head = cell("th", row.name || row.id);
    head.scope = "row";
    if (row.name && row.name !== row.id) head.append(" ", cell("span", row.id, "under"));
    line.append(head, cell("td", row.total || "–", "num strong"));
    for (const points of [...row.parts, row.undecided]) line.append(cell("td", points || "–", "num"));
    const status = cell("td", "", "status");
    status.append(cell("span", row.status, `state ${row.css}`));
    if (row.unsandboxed) status.append(" ", cell("span", "UNSANDBOXED", "state crashed"));
    const pages = cell("td", "", "pages");
    const who = row.name || row.id;
    if (row.folder) pages.append(link(row.folder, "report.html", "student", `${who}: student’s`), " ", link(row.folder, "instructor.html", "instructor", `${who}: instructor’s`));
    line.append(status, pages);
    return line;
  };
  const show = () => {
    from = Math.max(0, Math.min(from, Math.floor((found.length - 1) / EACH) * EACH));
    const some = found.slice(from, from + EACH);
    table.tBodies[0].replaceChildren(...some.map((i) => made(rows[i])));
    const shown = some.length ? `${from + 1} to ${from + some.length} of ` : "";
    count.textContent = `${shown}${found.length}${found.length < rows.length ? ` found among ${rows.length}` : ""}`;
    back.disabled = from === 0;
    on.disabled = from + EACH >= found.length;
  };
  const search = () => {
    const wanted = words.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    found = order.filter((i) => wanted.every((word) => texts[i].includes(word)) && (!only.value || rows[i].kinds.split(" ").includes(only.value)));
    from = 0;
    show();
  };
  const keys = [(row) => row.name || row.id, (row) => row.value];
  rows[0].parts.forEach((_, part) => keys.push((row) => row.parts[part]));
  keys.push((row) => row.undecided || "0", (row) => row.status);
  table.querySelectorAll("thead th").forEach((head, column) => {
    if (!keys[column]) return;
    const numbers = head.classList.contains("num");
    sortBy(table, head, numbers, (first) => {
      const values = rows.map(keys[column]);
      order = rows.map((_, i) => i).sort((a, b) => first * compare(numbers, values[a], values[b]));
      search();
    });
  });
  back.addEventListener("click", () => { from -= EACH; show(); });
  on.addEventListener("click", () => { from += EACH; show(); });
  words.addEventListener("input", search);
  only.addEventListener("change", search);
  find.hidden = false;
  show();
}
