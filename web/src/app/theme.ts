// The looks: one calm teal, quiet greys, generous text. Colours and spacings are variables in ./styles/tokens.css; what
// Mantine has to know in script stands here.
import { createTheme, type MantineColorsTuple } from "@mantine/core";

/** The same as `--mantine-color-ward-*` in tokens.css, where looks.test.ts holds them together. */
export const ward: MantineColorsTuple = [
  "#e8f6f8",
  "#d3eaee",
  "#a6d5dd",
  "#75bfcb",
  "#4eadbc",
  "#2c95a6",
  "#14798a",
  "#0b6675",
  "#07525f",
  "#043e48",
];

export const theme = createTheme({
  primaryColor: "ward",
  primaryShade: { light: 7, dark: 6 },
  colors: { ward },
  fontFamily: "var(--mantine-font-family)",
  defaultRadius: "md",
  cursorType: "pointer",
  focusRing: "auto",
  // Plain objects: naming the components themselves would put them into the first load.
  components: {
    // The focus goes to the first item; a placeholder inside a menu would be no menu item.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    // The page itself never scrolls, so a dialog has nothing to lock; the lock would make a style element.
    Modal: {
      defaultProps: { lockScroll: false, centered: true, overlayProps: { backgroundOpacity: 0.45 } },
    },
  },
});
