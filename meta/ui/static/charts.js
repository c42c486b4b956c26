// @ts-check
// One crosshair over all charts of the same time, by pointer and by arrow keys.

/** @param {Document} page */
export function charts(page) {
  const tip = page.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  page.body.append(tip);
  /** @type {{chart: string, at: number} | null} what stays when the pointer goes */
  let pinned = null;
  /** @type {{chart: string, at: number} | null} what is shown */
  let shown = null;

  /** @param {Element} chart */
  const hits = (chart) => /** @type {SVGRectElement[]} */ ([...chart.querySelectorAll(".hit")]);
  /** @param {SVGRectElement} bar the middle of it, in per cent of the width */
  const middle = (bar) => bar.x.baseVal.valueInSpecifiedUnits + bar.width.baseVal.valueInSpecifiedUnits / 2;
  const clear = () => {
    tip.hidden = true;
    shown = null;
    page.querySelectorAll(".cross").forEach((line) => line.remove());
  };

  /** Draws the line of a moment into a chart.
   * @param {Element} chart
   * @param {SVGRectElement} bar
   * @param {number} x */
  function cross(chart, bar, x) {
    const line = page.createElementNS("http://www.w3.org/2000/svg", "line");
    const [top, height] = [Number(bar.getAttribute("y")), Number(bar.getAttribute("height"))];
    for (const [name, value] of Object.entries({ class: "cross", x1: `${x}%`, x2: `${x}%`, y1: top, y2: top + height })) line.setAttribute(name, String(value));
    chart.append(line);
  }

  /** Writes the lines of a title, names left and values right.
   * @param {string} text */
  function write(text) {
    tip.replaceChildren(...text.split("\n").flatMap((line) => {
      const [name, value] = line.split("\t");
      const [left, right] = [page.createElement("span"), page.createElement("b")];
      left.textContent = name;
      right.textContent = value ?? "";
      return [left, right];
    }));
  }

  /** Shows a moment in its chart, and in all others of the same time.
   * @param {Element} chart
   * @param {number} at */
  function show(chart, at) {
    const bars = hits(chart);
    at = Math.max(0, Math.min(bars.length - 1, at));
    const bar = bars[at];
    if (!bar) return;
    clear();
    shown = { chart: chart.id, at };
    const x = middle(bar);
    const axis = chart.getAttribute("data-chart");
    for (const other of axis ? page.querySelectorAll(`[data-chart="${axis}"]`) : [chart]) {
      const [first] = hits(other);
      if (first) cross(other, first, x);
    }
    write(bar.querySelector("title")?.textContent ?? bar.dataset.title ?? "");
    tip.hidden = false;
    tip.classList.toggle("pinned", pinned !== null);
    const box = bar.getBoundingClientRect();
    const right = box.left + box.width + 10;
    const left = right + tip.offsetWidth > innerWidth - 8 || x > 60 ? box.left - tip.offsetWidth - 10 : right;
    tip.style.left = `${Math.max(4, left) + scrollX}px`;
    tip.style.top = `${box.top + scrollY + 4}px`;
  }

  // Titles would show the same again, later and in another way.
  const quiet = (/** @type {Element} */ chart) => hits(chart).forEach((bar) => {
    const title = bar.querySelector("title");
    if (!title) return;
    bar.dataset.title = title.textContent ?? "";
    title.remove();
  });

  page.addEventListener("pointermove", (event) => {
    if (pinned) return;
    const bar = event.target instanceof Element && event.target.closest(".hit");
    const chart = bar && bar.closest("[data-chart]");
    if (!bar || !chart) return shown && page.activeElement?.id !== shown.chart && clear();
    quiet(chart);
    show(chart, hits(chart).indexOf(/** @type {SVGRectElement} */ (bar)));
  });

  /** Keeps a moment in the address, or forgets it. */
  function pin() {
    pinned = pinned ? null : shown;
    const address = new URL(location.href);
    if (pinned) address.searchParams.set("at", `${pinned.chart}.${pinned.at}`);
    else address.searchParams.delete("at");
    history.replaceState(null, "", address);
    tip.classList.toggle("pinned", pinned !== null);
  }
  page.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-chart] .hit")) pin();
  });

  page.addEventListener("keydown", (event) => {
    const chart = event.target;
    if (!(chart instanceof SVGElement) || !chart.matches("[data-chart]")) return;
    const last = hits(chart).length - 1;
    const at = shown?.chart === chart.id ? shown.at : last + 1;
    /** @type {Record<string, () => void>} */
    const acts = {
      ArrowLeft: () => show(chart, at - 1),
      ArrowRight: () => show(chart, at + 1),
      Home: () => show(chart, 0),
      End: () => show(chart, last),
      Enter: pin,
      Escape: () => {
        if (pinned) pin();
        clear();
      },
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  page.addEventListener("focusout", () => !pinned && clear());

  const ready = () => {
    page.querySelectorAll("[data-chart]").forEach((chart) => {
      if (hits(chart).length > 0) chart.setAttribute("tabindex", "0");
    });
    const again = pinned ?? shown; // what was shown of charts that are new now
    const chart = again && page.getElementById(again.chart);
    if (chart) show(chart, again.at);
  };
  const [id, at] = (new URL(location.href).searchParams.get("at") ?? "").split(".");
  if (page.getElementById(id)?.matches("[data-chart]")) pinned = { chart: id, at: Number(at) };
  ready();
  page.addEventListener("meta:patched", ready);
}
