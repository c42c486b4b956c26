// @ts-check
// Filters rows as you type. The form does the same without script.

/** @param {Document} page */
export function tables(page) {
  const all = () => page.querySelectorAll("form[data-filter]").forEach((form) => {
    const input = form.querySelector("input[type=search]");
    const id = form.getAttribute("data-filter");
    if (!(input instanceof HTMLInputElement) || !id) return;
    const filter = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      const rows = page.querySelectorAll(`#${id} > tbody > tr[id]`);
      let shown = 0;
      rows.forEach((row) => {
        const text = row.textContent?.toLowerCase() ?? "";
        const fits = words.every((word) => text.includes(word));
        row.toggleAttribute("hidden", !fits);
        if (fits) shown++;
      });
      const count = page.getElementById(`c-${id}`);
      if (count) count.textContent = `${shown} of ${rows.length}`;
    };
    input.oninput = filter;
    if (input.value) filter();
  });
  all();
  page.addEventListener("meta:rows", all);
}
