// Follows a job once a second until it has ended, or draws the curves of several that are compared.
import { plot } from "./plot.js";

const job = document.getElementById("job"), place = document.getElementById("curve");

async function read(key) {
  const answer = await fetch(`/api/jobs/${key}`, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return answer.json();
}

function curve(found, name, bands) {
  const points = found.progress?.curve ?? [];
  const take = (field) => points.map((point) => point[field]);
  return { name, x: take("samples"), y: take("return_mean"), ...(bands ? { low: take("lower"), high: take("upper") } : {}) };
}

function show(found) {
  document.getElementById("state").textContent = found.state + (found.error ? `: ${found.error}` : found.cancelled && found.state === "running" ? ", is being cancelled" : "");
  const told = found.progress ?? {}, done = found.state === "done";
  const share = done ? 1 : told.share ?? (told.of ? told.updates / told.of : 0);
  document.getElementById("share").value = share;
  const said = told.compiling ? "compiling" : told.arm ? `${told.arm}: ${told.patients} of ${told.of} patients` : told.of ? `${told.updates} of ${told.of} updates` : "";
  document.getElementById("done").textContent = said;
  if (place) plot(place, [curve(found, "return", true)], "decisions met", "mean return");
}

async function follow(ended) {
  try {
    const found = await read(job.dataset.key);
    show(found);
    if (["done", "failed", "cancelled"].includes(found.state)) {
      if (!ended) location.replace(location.pathname); // the page has more to say of a job that has ended
      return;
    }
  } catch (error) {
    document.getElementById("done").textContent = error.message;
  }
  setTimeout(follow, 1000, false);
}

if (job) follow(job.dataset.ended === "1");
const rows = [...document.querySelectorAll("tr.run")];
if (rows.length) {
  const found = await Promise.all(rows.map((row) => read(row.dataset.key)));
  plot(place, found.map((one) => curve(one, one.id.slice(0, 8), false)), "decisions met", "mean return");
}
