// A click on a picture or a plot enlarges it; a click or Escape closes it.
const dialog = document.querySelector("dialog");
const enlarge = element => {
  const figure = element.closest("figure");
  const large = (element.matches("img") ? element : element.querySelector("svg")).cloneNode(true);
  large.removeAttribute("class");
  if (figure && figure.matches(".photo")) large.className = "photo";
  const caption = document.createElement("p");
  caption.textContent = large.alt || (figure && figure.querySelector("figcaption") || {}).textContent || "";
  dialog.replaceChildren(large, caption);
  dialog.showModal();
};
for (const element of document.querySelectorAll(".zoom")) {
  element.tabIndex = 0;
  element.setAttribute("role", "button");
  element.setAttribute("aria-label", `Enlarge: ${element.alt || "plot"}`);
  element.addEventListener("click", () => enlarge(element));
  element.addEventListener("keydown", event => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); enlarge(element); }
  });
}
dialog.addEventListener("click", () => dialog.close());
