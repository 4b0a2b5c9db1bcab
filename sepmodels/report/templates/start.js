// Everything is defined: begin.
applyTheme();
drawHeat();
buildListening();
