/** Light, dark, or as the system has it. */

import { byId } from "./dom.js";

const KEY = "rtstate.theme";
const NEXT = { auto: "light", light: "dark", dark: "auto" };
const SAID = { auto: "as the system", light: "light", dark: "dark" };

/** Take up what was chosen before, and let it be changed. */
export function startTheme() {
  const button = byId("theme");
  let theme = localStorage.getItem(KEY);
  if (!(theme in NEXT)) theme = "auto";

  function show() {
    document.documentElement.dataset.theme = theme;
    button.setAttribute("aria-label", `Colours: ${SAID[theme]}. Change them`);
    button.title = `Colours: ${SAID[theme]}`;
  }

  button.addEventListener("click", () => {
    theme = NEXT[theme];
    localStorage.setItem(KEY, theme);
    show();
  });
  show();
}
