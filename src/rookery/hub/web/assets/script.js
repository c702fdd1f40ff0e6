// What pages do beyond HTML; without it they lack a comfort and nothing else.

// A button that copies the commands beside it.
for (const box of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.setAttribute("aria-label", "Copy");
  button.title = "Copy";
  const icons = document.getElementById("copy-icons").content;
  button.append(icons.firstElementChild.cloneNode(true));
  const told = document.getElementById("told");
  button.addEventListener("click", async () => {
    const text = box.querySelector("pre, code").textContent.trim();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A page over plain HTTP from another computer has no clipboard: select, so that Ctrl-C does it.
      getSelection().selectAllChildren(box.querySelector("pre, code"));
      told.textContent = "Selected: copy with Ctrl-C";
      return;
    }
    told.textContent = "Copied";
    button.replaceChildren(icons.lastElementChild.cloneNode(true));
    setTimeout(() => button.replaceChildren(icons.firstElementChild.cloneNode(true)), 1500);
  });
  box.append(button);
}

// A menu closes when one goes elsewhere.
for (const menu of document.querySelectorAll("details.menu")) {
  const summary = menu.querySelector("summary");
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      summary.focus();
    }
  });
}
