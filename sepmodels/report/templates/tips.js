// What a number is, on hover and on focus; Escape puts it away.
const tip = document.getElementById("tip");
let tipOf = null;
let tipPlace = null; // where its element was on the screen

function showTip(element) {
  hideTip();
  tipOf = element;
  tip.textContent = element.dataset.explain;
  tip.hidden = false;
  element.setAttribute("aria-describedby", "tip");
  const place = element.getBoundingClientRect();
  tipPlace = place;
  const size = tip.getBoundingClientRect();
  const below = place.bottom + 8 + size.height < innerHeight;
  tip.style.left = `${Math.max(8, Math.min(place.left, innerWidth - size.width - 8))}px`;
  tip.style.top = `${below ? place.bottom + 8 : Math.max(8, place.top - size.height - 8)}px`;
}

function hideTip() {
  tipOf?.removeAttribute("aria-describedby");
  tipOf = null;
  tip.hidden = true;
}

function explained(event) {
  return event.target instanceof Element ? event.target.closest("[data-explain]") : null;
}

document.addEventListener("mouseover", (event) => {
  const element = explained(event);
  if (element && element !== tipOf) showTip(element);
  else if (!element && tipOf && !tip.contains(event.target) && !tipOf.contains(document.activeElement)) hideTip();
});
document.addEventListener("focusin", (event) => { explained(event) ? showTip(explained(event)) : hideTip(); });
document.addEventListener("focusout", hideTip);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
// The event of a scroll that brought the element here may come after its tip: that moves it no more.
document.addEventListener("scroll", () => {
  const now = tipOf?.getBoundingClientRect();
  if (now && (now.left !== tipPlace.left || now.top !== tipPlace.top)) hideTip();
}, true);
