// Checks a record while it is typed: the form goes to the server, which reads it as it would read a file.
const form = document.getElementById("record");
const checks = document.getElementById("checks");
const token = document.querySelector('meta[name="csrf"]').content;
let timer = 0, asked = 0;

function entry(text, kind) {
  const item = document.createElement("li");
  item.textContent = text;
  item.className = kind;
  return item;
}

function fieldOf(slip) {
  const fields = form.querySelectorAll(`[name="${CSS.escape(slip.field)}"]`);
  return slip.row === null ? fields[0] : fields[slip.row];
}

function show({ slips, gaps }) {
  form.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
  const list = document.createElement("ul");
  list.className = "slips";
  for (const slip of slips) {
    if (slip.field === "id" && !form.elements.id.value) continue;
    fieldOf(slip)?.setAttribute("aria-invalid", "true");
    list.append(entry(slip.row === null ? slip.sentence : `Row ${slip.row + 1}, ${slip.sentence}`, "stop"));
  }
  for (const { stops, sentence } of gaps) list.append(entry(sentence, stops ? "warning" : "hint"));
  const heading = document.createElement("h2");
  heading.textContent = slips.length ? "To be put right" : gaps.some((gap) => gap.stops) ? "Missing for a dose" : "Ready for a dose";
  checks.replaceChildren(heading, list);
  if (!list.children.length) {
    const fine = document.createElement("p");
    fine.className = "note";
    fine.textContent = "Nothing is missing.";
    checks.append(fine);
  }
}

async function check() {
  const mine = ++asked;
  const answer = await fetch("/patients/check", { method: "POST", body: new FormData(form), headers: { "X-CSRF-Token": token } });
  const found = await answer.json();
  if (mine !== asked) return; // a later answer is on its way
  show(answer.ok ? found : { slips: [{ field: "", row: null, sentence: found.detail }], gaps: [] });
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(check, 200);
}

function add(part) {
  const rows = form.querySelector(`tbody[data-part="${part}"]`);
  const row = rows.lastElementChild.cloneNode(true);
  for (const field of row.querySelectorAll("input")) {
    field.removeAttribute("aria-invalid");
    if (!/\.(unit|drug|route)$/.test(field.name)) field.value = "";
  }
  rows.append(row);
  row.querySelector("input").focus();
}

function next(from) {
  const fields = [...form.querySelectorAll("input:not([type=hidden]), select, textarea, button")].filter((field) => field.offsetParent);
  fields[fields.indexOf(from) + 1]?.focus();
}

form.addEventListener("input", later);
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.tagName === "BUTTON") return;
  if (event.ctrlKey || event.metaKey) return form.requestSubmit();
  if (event.target.tagName === "TEXTAREA") return;
  event.preventDefault();
  next(event.target);
});
for (const button of form.querySelectorAll("button.add")) {
  button.hidden = false;
  button.addEventListener("click", () => add(button.dataset.part));
}
form.elements.treatment.addEventListener("change", () => {
  // A new patient's form has the rows of its treatment; what was typed already is kept and the rows stay.
  const typed = [...form.querySelectorAll("input:not([type=hidden])")].some((field) => /value|amount|time/.test(field.name) && field.value);
  if (form.dataset.new && !typed) location.href = `/patients/new?treatment=${encodeURIComponent(form.elements.treatment.value)}`;
  else check();
});
if (!form.dataset.new) check();
