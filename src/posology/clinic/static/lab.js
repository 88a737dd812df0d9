// Simulates a course whenever the form changes, and draws it.
import { plot } from "./plot.js";

const form = document.getElementById("lab"), told = document.getElementById("told");
let asked = 0, timer = 0;

async function simulate() {
  const mine = ++asked;
  const answer = await fetch(`/api/lab/course?${new URLSearchParams(new FormData(form))}`, { headers: { accept: "application/json" } });
  const found = await answer.json();
  if (mine !== asked) return;
  told.classList.toggle("problem", !answer.ok);
  if (!answer.ok) return void (told.textContent = found.detail);
  const harm = found.ended_by_harm_on_day === null ? "" : ` The course ended on day ${found.ended_by_harm_on_day}: too few normal cells.`;
  told.textContent = `Return ${found.reward.toPrecision(4)}, tumour at the end ${found.tumour.at(-1).toPrecision(3)}.${harm}`;
  const over = (name, more) => ({ name, x: found.time, y: found[name], ...more });
  const least = { name: "least normal", x: [0, found.time.at(-1)], y: [found.least_normal, found.least_normal], dashed: true };
  plot(document.getElementById("cells"), [over("tumour"), over("normal"), over("immune"), least], "days", "cells");
  const dose = { name: "dose rate", x: found.dose.flatMap((_, day) => [day, day + 1]), y: found.dose.flatMap((rate) => [rate, rate]) };
  plot(document.getElementById("doses"), [over("drug"), dose], "days", "drug and dose rate");
}

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(simulate, 60);
});
form.addEventListener("submit", (event) => event.preventDefault());
simulate();
