// Light, dark, or as the system says.
const themeChoice = document.getElementById("theme");
const themeListeners = [];

function applyTheme() {
  if (themeChoice.value) document.documentElement.dataset.theme = themeChoice.value;
  else delete document.documentElement.dataset.theme;
  themeListeners.forEach((listener) => listener());
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

themeChoice.addEventListener("change", applyTheme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
