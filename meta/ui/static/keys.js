// @ts-check
// Keys, which never act while somebody writes in a field.

/** @param {Document} page
 * @param {import("./live.js").Stream} stream */
export function keys(page, stream) {
  /** @type {HTMLElement | null} */
  let row = null;
  let go = false;
  const dialog = /** @type {HTMLDialogElement | null} */ (page.getElementById("keys"));
  const named = () => /** @type {HTMLAnchorElement[]} */ ([...page.querySelectorAll("nav a[data-key]")]);

  /** @param {number} step */
  function move(step) {
    const rows = /** @type {HTMLElement[]} */ ([...page.querySelectorAll("main tbody > tr[id]:not([hidden])")]);
    if (rows.length === 0) return;
    const at = row ? rows.findIndex((other) => other.id === row?.id) : -1;
    row?.removeAttribute("aria-selected");
    row = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
    row.setAttribute("aria-selected", "true");
    row.scrollIntoView({ block: "nearest" });
  }

  /** @param {number} step */
  function worker(step) {
    const links = /** @type {HTMLAnchorElement[]} */ ([...page.querySelectorAll(".scope a")]);
    const at = links.findIndex((link) => link.hasAttribute("aria-current"));
    links[at + step]?.click();
  }

  function help() {
    const list = page.getElementById("gokeys");
    if (list) list.textContent = named().map((link) => `${link.dataset.key} ${link.firstChild?.textContent}`).join(", ");
    dialog?.showModal();
  }

  /** @type {Record<string, () => void>} */
  const acts = {
    "/": () => page.getElementById("q")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    Enter: () => row?.querySelector("a")?.click(),
    "[": () => worker(-1),
    "]": () => worker(1),
    ".": () => stream.toggle(),
    "?": help,
    g: () => { go = true; },
  };
  page.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || dialog?.open) return;
    if (target instanceof Element && target.closest("input, select, textarea, [contenteditable]")) {
      if (event.key === "Escape") /** @type {HTMLElement} */ (target).blur();
      return;
    }
    if (go) {
      go = false;
      named().find((link) => link.dataset.key === event.key)?.click();
      return;
    }
    const onLink = target instanceof Element && target.closest("a, button, summary");
    const act = acts[event.key];
    if (!act || (event.key === "Enter" && onLink)) return;
    event.preventDefault();
    act();
  });
}
