"use strict";
const form = document.getElementById("filter");
const items = [...document.querySelectorAll(".item")].map((node) => ({ node, text: node.textContent.toLowerCase() }));
const areas = [...document.querySelectorAll("details.area")];
const words = (text) => (text || "").split(" ").filter((word) => word);

// A row of the matrix has a verdict for each kernel, everything else one and the kernels that show it.
function fits(node, wanted) {
  const { verdicts, verdict, rule, areas, kernels } = node.dataset;
  if (wanted.area && !words(areas).includes(wanted.area)) return false;
  if (wanted.rule && !words(rule).includes(wanted.rule)) return false;
  if (verdicts !== undefined) {
    const pairs = words(verdicts).filter((pair) => !wanted.kernel || pair.startsWith(wanted.kernel + ":"));
    return pairs.some((pair) => !wanted.verdict || pair.endsWith(":" + wanted.verdict));
  }
  if (wanted.kernel && !words(kernels).includes(wanted.kernel)) return false;
  return !wanted.verdict || verdict === wanted.verdict;
}

function apply() {
  const wanted = Object.fromEntries(new FormData(form));
  const text = wanted.text.trim().toLowerCase();
  const any = Object.values(wanted).some((value) => value.trim());
  let shown = 0;
  for (const item of items) {
    const hidden = !fits(item.node, wanted) || (text !== "" && !item.text.includes(text));
    item.node.hidden = hidden;
    shown += hidden ? 0 : 1;
  }
  for (const area of areas) {
    const left = area.querySelector("tr.item:not([hidden])") !== null;
    area.hidden = !left;
    if (any && left) area.open = true;
  }
  form.querySelector("output").textContent = any ? shown + " of " + items.length + " shown" : "";
}

// Whoever follows a link to something that is hidden or folded wants to see it.
function reveal() {
  const node = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!node) return;
  node.hidden = false;
  for (let at = node; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  node.scrollIntoView();
}

form.hidden = false;
form.addEventListener("input", apply);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(apply));
addEventListener("hashchange", reveal);
addEventListener("keydown", (event) => {
  const typing = event.target.closest && event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    form.elements.text.focus();
  } else if (event.key === "Escape" && typing) {
    form.reset();
    event.target.blur();
  }
});
addEventListener("beforeprint", () => document.querySelectorAll(".cause details").forEach((node) => (node.open = true)));
reveal();
