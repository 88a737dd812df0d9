// A page that waits for something loads again when it is there: asked every two seconds, for five minutes at most.
const mark = "data-waits";

async function ask(left) {
  const answer = await fetch(location.href).catch(() => null);
  if (answer?.ok && !(await answer.text()).includes(mark)) location.reload();
  else if (left) setTimeout(ask, 2000, left - 1);
}

if (document.querySelector(`[${mark}]`)) setTimeout(ask, 1000, 150);
