// @ts-check
// One crosshair over all charts of a page, by pointer and by arrow keys.

/** @param {Document} page */
export function charts(page) {
  const tip = page.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  page.body.append(tip);

  /** @param {Element} chart */
  const hits = (chart) => /** @type {SVGRectElement[]} */ ([...chart.querySelectorAll(".hit")]);
  const clear = () => {
    tip.hidden = true;
    page.querySelectorAll(".cross").forEach((line) => line.remove());
  };

  /** Shows the same moment in all charts that have as many.
   * @param {SVGElement} chart
   * @param {number} at */
  function show(chart, at) {
    const bars = hits(chart);
    const bar = bars[Math.max(0, Math.min(bars.length - 1, at))];
    if (!bar) return;
    clear();
    for (const other of page.querySelectorAll("[data-chart]")) {
      const same = hits(other)[at];
      if (!same || hits(other).length !== bars.length) continue;
      const x = same.x.baseVal.valueInSpecifiedUnits + same.width.baseVal.valueInSpecifiedUnits / 2;
      const line = page.createElementNS("http://www.w3.org/2000/svg", "line");
      line.setAttribute("class", "cross");
      for (const [name, value] of Object.entries({ x1: `${x}%`, x2: `${x}%`, y1: same.getAttribute("y") ?? "0" })) line.setAttribute(name, value);
      line.setAttribute("y2", String(Number(same.getAttribute("y")) + Number(same.getAttribute("height"))));
      other.append(line);
    }
    tip.textContent = bar.querySelector("title")?.textContent ?? bar.dataset.title ?? "";
    tip.hidden = false;
    const box = bar.getBoundingClientRect();
    const left = box.left + scrollX + (box.left > innerWidth - 220 ? -tip.offsetWidth - 8 : box.width + 8);
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${box.top + scrollY + 4}px`;
  }

  page.addEventListener("pointermove", (event) => {
    const bar = event.target instanceof Element && event.target.closest(".hit");
    const chart = bar && /** @type {SVGElement | null} */ (bar.closest("[data-chart]"));
    if (!bar || !chart) return clear();
    show(chart, hits(chart).indexOf(/** @type {SVGRectElement} */ (bar)));
  });

  let at = -1;
  page.addEventListener("keydown", (event) => {
    const chart = event.target;
    if (!(chart instanceof SVGElement) || !chart.matches("[data-chart]")) return;
    const last = hits(chart).length - 1;
    /** @type {Record<string, () => number>} */
    const moves = {
      ArrowLeft: () => Math.max(0, (at < 0 ? last + 1 : at) - 1),
      ArrowRight: () => Math.min(last, at + 1),
      Home: () => 0,
      End: () => last,
    };
    if (event.key === "Escape") return clear();
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    at = move();
    show(chart, at);
  });
  page.addEventListener("focusout", clear);

  const reachable = () => page.querySelectorAll("[data-chart]").forEach((chart) => {
    if (hits(chart).length > 0) chart.setAttribute("tabindex", "0");
  });
  reachable();
  page.addEventListener("meta:patched", reachable);
}
