// A box that shows only the symptoms with what was typed; a symptom that is ticked stays in sight.
const box = document.getElementById("filter"), text = document.getElementById("filter-text"), count = document.getElementById("filter-count");
const rows = [...document.querySelectorAll("[data-symptom]")];

function show() {
  const word = text.value.trim().toLowerCase();
  let found = 0;
  for (const row of rows) {
    const fits = row.dataset.symptom.toLowerCase().includes(word);
    row.hidden = !(fits || row.querySelector(":checked"));
    found += fits;
  }
  for (const table of document.querySelectorAll(".asking table")) table.hidden = !table.querySelector("tbody tr:not([hidden])");
  count.textContent = word ? `${found} of ${rows.length} symptoms` : "";
}

box.hidden = false;
text.addEventListener("input", show);
text.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
document.getElementById("answer")?.focus();
