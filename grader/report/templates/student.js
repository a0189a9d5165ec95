for (const button of document.querySelectorAll("button.copy")) {
  const code = button.parentElement.querySelector("pre");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const range = document.createRange();
    range.selectNodeContents(code);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    let done = false;
    try {
      await navigator.clipboard.writeText(code.textContent);
      done = true;
    } catch {
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Selected: press Ctrl-C";
  });
}

function unfold() {
  for (let node = document.querySelector(":target"); node; node = node.parentElement) {
    if (node.tagName === "DETAILS") {
      node.open = true;
    }
  }
}
addEventListener("hashchange", unfold);
unfold();
