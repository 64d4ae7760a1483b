// What makes reading easier; every page can be read without it.
"use strict";

// A button that copies the words beside it.
function copyButtons() {
  if (!navigator.clipboard) return;
  for (const place of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(place.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    const holder = place.closest("pre");
    if (holder) {
      const frame = document.createElement("div");
      frame.className = "frame";
      holder.replaceWith(frame);
      frame.append(holder, button);
    } else {
      place.after(" ", button);
    }
  }
}

// A field above a long table that hides the rows without its words.
function tableFilters() {
  for (const table of document.querySelectorAll("table[data-filter]")) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 15) continue;
    const label = document.createElement("label");
    label.className = "sift";
    label.textContent = `Filter these ${table.dataset.filter} `;
    const input = document.createElement("input");
    input.type = "search";
    label.append(input);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
    (table.closest(".scroll") || table).before(label);
  }
}

// "/" goes to the search, unless its reader is writing.
function searchKey() {
  const search = document.getElementById("q");
  if (!search) return;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.activeElement?.matches("input, textarea, select")) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
}

// A link to something inside closed details opens them.
function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}

copyButtons();
tableFilters();
searchKey();
openTarget();
addEventListener("hashchange", openTarget);
