// Makes instant what works without it: the filter, the sorting, and new figures.
"use strict";

const input = document.getElementById("q");
const log = document.getElementById("log");

function filter() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const row of log.tBodies[0].rows) {
    const has = !words.length || words.some((word) => row.dataset.words.includes(word));
    row.hidden = !has;
    found += has;
  }
  document.getElementById("found").textContent = found;
  const url = new URL(location.href);
  if (input.value) url.searchParams.set("q", input.value);
  else url.searchParams.delete("q");
  history.replaceState(null, "", url);
}

function sort(head) {
  const at = head.cellIndex;
  const down = head.getAttribute("aria-sort") === "ascending";
  const by = (row) => row.cells[at].dataset.by;
  const text = (row) => row.cells[at].textContent;
  const order = (a, b) =>
    by(a) === undefined ? (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0) : by(a) - by(b);
  // The place in the call stands behind the number of the call.
  const first = (a, b) => a.cells[0].dataset.by - b.cells[0].dataset.by;
  const rows = [...log.tBodies[0].rows];
  const url = new URL(head.querySelector("a").href);
  url.searchParams.delete("desc");
  if (down) url.searchParams.set("desc", "");
  if (input.value) url.searchParams.set("q", input.value);
  else url.searchParams.delete("q");
  history.replaceState(null, "", url);
  rows.sort((a, b) => (down ? -order(a, b) : order(a, b)) || first(a, b));
  log.tBodies[0].append(...rows);
  for (const other of log.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  // Keys of one call stand together only in the order of calls.
  log.classList.toggle("ordered", at === 0);
}

// A page that has not all keys leaves searching and sorting to the server.
if (log && input && !("partial" in log.dataset)) {
  input.addEventListener("input", filter);
  log.tHead.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    sort(link.closest("th"));
  });
}

const live = document.querySelector("[data-live]");

async function refresh() {
  // Nothing moves under the hands of somebody who uses the keyboard, or selects text.
  const busy = live.contains(document.activeElement) || !getSelection().isCollapsed;
  if (!document.hidden && !busy) {
    try {
      const answer = await fetch("./live");
      if (answer.ok) {
        const left = [...live.querySelectorAll(".box")].map((box) => box.scrollLeft);
        live.innerHTML = await answer.text();
        live.querySelectorAll(".box").forEach((box, at) => (box.scrollLeft = left[at] || 0));
      }
    } catch {
      // The application is gone; it may come back.
    }
  }
  setTimeout(refresh, 2000);
}

if (live) setTimeout(refresh, 2000);
