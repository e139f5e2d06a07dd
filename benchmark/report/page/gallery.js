// Galleries show one scene at a time: buttons, arrow keys, swipes, filters, and a link to each scene.
for (const gallery of document.querySelectorAll(".gallery")) {
  const scenes = [...gallery.querySelectorAll(".scene")];
  const controls = gallery.querySelector(".controls");
  const [previous, next] = gallery.querySelectorAll(".steps button");
  const none = gallery.querySelector(".none");
  const chosen = name => controls.elements[name] ? controls.elements[name].value : "";
  let current = scenes[0];

  const wanted = () => scenes.filter(({dataset}) => {
    const failures = dataset.failures.split("|").filter(Boolean).map(failure => failure.split(":"));
    return (!chosen("third") || dataset.third === chosen("third"))
      && (!chosen("beyond") || dataset.beyond.split(" ").includes(chosen("beyond")))
      && (!(chosen("kind") || chosen("model")) || failures.some(([model, kind]) =>
        (!chosen("kind") || kind === chosen("kind")) && (!chosen("model") || model === chosen("model"))));
  });
  const show = () => {
    const list = wanted();
    if (!list.includes(current)) current = list[0] || current;
    for (const scene of scenes) scene.hidden = !list.length || scene !== current;
    none.hidden = list.length > 0;
    previous.disabled = next.disabled = list.length < 2;
    const filtered = list.length < scenes.length ? `, ${scenes.length} in all` : "";
    controls.querySelector("output").textContent =
      list.length ? `Scene ${list.indexOf(current) + 1} of ${list.length}${filtered}` : "No scene";
  };
  const step = by => {
    const list = wanted();
    if (list.length < 2) return;
    const focused = current.contains(document.activeElement);
    current = list[(list.indexOf(current) + by + list.length) % list.length];
    show();
    if (focused) current.focus({preventScroll: true});
    history.replaceState(null, "", `#${current.id}`);
  };
  const follow = () => {
    const target = scenes.find(scene => `#${scene.id}` === location.hash);
    if (!target) return;
    current = target;
    if (!wanted().includes(target)) controls.reset();
    show();
    target.scrollIntoView();
  };

  previous.addEventListener("click", () => step(-1));
  next.addEventListener("click", () => step(1));
  controls.addEventListener("change", show);
  controls.addEventListener("submit", event => event.preventDefault());
  none.querySelector("button").addEventListener("click", () => { controls.reset(); show(); });
  gallery.addEventListener("keydown", event => {
    if (event.target.matches("select") || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      event.preventDefault();
      step(event.key === "ArrowLeft" ? -1 : 1);
    }
  });
  let start = null;
  gallery.addEventListener("touchstart", event => {
    start = event.touches.length === 1 ? event.touches[0] : null;
  }, {passive: true});
  gallery.addEventListener("touchend", event => {
    if (!start) return;
    const across = event.changedTouches[0].clientX - start.clientX;
    const down = event.changedTouches[0].clientY - start.clientY;
    if (Math.abs(across) > 40 && Math.abs(across) > 2 * Math.abs(down)) step(across < 0 ? 1 : -1);
    start = null;
  }, {passive: true});

  controls.hidden = false;
  show();
  follow();
  addEventListener("hashchange", follow);
}
// A link into a fold opens it, and print shows them all.
const unfold = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  let opened = false;
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
    opened ||= !fold.open;
    fold.open = true;
  }
  if (opened) target.scrollIntoView();
};
unfold();
addEventListener("hashchange", unfold);
addEventListener("beforeprint", () => { for (const fold of document.querySelectorAll("details")) fold.open = true; });
