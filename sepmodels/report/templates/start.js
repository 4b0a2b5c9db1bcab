// Served by `sepbench ui`, the report leads to the pages beside it, whatever address they had when it was made.
for (const link of location.protocol === "file:" ? [] : document.querySelectorAll("a[href^=http]")) {
  const { pathname, search, hash } = new URL(link.href);
  if (/^\/(dagster|mlflow)\//.test(pathname)) link.href = pathname + search + hash;
}
// Everything is defined: begin.
applyTheme();
drawHeat();
openBaseline();
buildListening();
openLinked();
