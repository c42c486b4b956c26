// @ts-check
// Keeps the numbers of a page current, from one event stream.

/** @typedef {{toggle: () => void}} Stream */
/** @typedef {{id: string, html: string}} Fragment */

/** Whether somebody points at, or has the focus in, an element.
 * @param {Element} element */
const inUse = (element) => element.matches(":hover") || element.contains(document.activeElement);

/** Makes an element of HTML that this server has written.
 * @param {string} html
 * @returns {Element | null} */
function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

/** Puts one fragment into its place. Rows keep their places: if others have
 * come or gone, the table is asked for again once nobody uses it.
 * @param {Fragment} fragment
 * @param {Set<string>} stale tables whose rows are others now */
function place({ id, html }, stale) {
  const old = document.getElementById(id);
  if (!old) return;
  if (old.tagName === "TABLE") {
    const order = [...old.querySelectorAll("tbody > tr[id]")].map((row) => row.id).join(" ");
    if (order !== html) stale.add(id);
    return;
  }
  if (id === "foot") {
    old.innerHTML = html;
    return;
  }
  if (old.contains(document.activeElement) || old.nextElementSibling?.classList.contains("detail")) return;
  const fresh = element(html);
  if (!fresh) return;
  if (old.hasAttribute("hidden")) fresh.setAttribute("hidden", "");
  old.replaceWith(fresh);
}

/** Asks for the page again and takes the given tables from it.
 * @param {Set<string>} stale */
async function refresh(stale) {
  const ids = [...stale].filter((id) => {
    const box = document.getElementById(`${id}-box`);
    return box && !inUse(box);
  });
  if (ids.length === 0) return;
  ids.forEach((id) => stale.delete(id));
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ids) {
    const [old, fresh] = [document.getElementById(`${id}-box`), page.getElementById(`${id}-box`)];
    if (old && fresh) {
      old.replaceWith(document.importNode(fresh, true));
      document.dispatchEvent(new CustomEvent("meta:rows"));
    }
  }
}

/** Starts the stream of a page that has one.
 * @param {Document} page
 * @returns {Stream} */
export function live(page) {
  const main = page.querySelector("main[data-live]");
  const sign = page.getElementById("live");
  if (!(main instanceof HTMLElement) || !sign) return { toggle: () => {} };
  const every = Number(main.dataset.live);
  /** @type {Set<string>} */
  const stale = new Set();
  /** @type {EventSource | null} */
  let source = null;
  let heard = 0;
  let paused = false;

  const say = (/** @type {string} */ text, /** @type {boolean} */ on) => {
    sign.hidden = false;
    sign.textContent = text;
    sign.classList.toggle("off", !on);
  };
  const stop = () => {
    source?.close();
    source = null;
  };
  const start = () => {
    if (source || paused || page.hidden) return;
    source = new EventSource(location.href);
    source.addEventListener("patch", (event) => {
      heard = Date.now();
      say(`live, ${every / 1000} s`, true);
      /** @type {Fragment[]} */ (JSON.parse(event.data)).forEach((fragment) => place(fragment, stale));
      page.dispatchEvent(new CustomEvent("meta:patched"));
      if (stale.size > 0) refresh(stale).catch(() => {});
    });
    source.onerror = () => {
      const ago = heard ? `${Math.round((Date.now() - heard) / 1000)} s ago` : "";
      say(`connection lost ${ago}, retrying`, false);
      if (source?.readyState === EventSource.CLOSED) {
        stop();
        setTimeout(start, 5000);
      }
    };
  };
  page.addEventListener("visibilitychange", () => (page.hidden ? stop() : start()));
  start();
  return {
    toggle: () => {
      paused = !paused;
      if (paused) {
        stop();
        say("paused", false);
      } else start();
    },
  };
}
