// The outermost layer: looks, language, who is signed in, and which page that gives.
import { MantineProvider } from "@mantine/core";
import { Router } from "wouter";
import { Boundary } from "../ui/common/Boundary";
import { DropNote } from "../ui/common/DropNote";
import { AccountProvider } from "./account";
import { useAddress } from "./layers";
import { Pages } from "./pages";
import { theme } from "./theme";

export function App() {
  return (
    // The variables come from a stylesheet (./styles), so that no style element is made at run time and the
    // Content-Security-Policy needs no 'unsafe-inline'.
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
      <Router hook={useAddress}>
        <AccountProvider>
          <Boundary>
            <Pages />
          </Boundary>
          <DropNote />
        </AccountProvider>
      </Router>
    </MantineProvider>
  );
}
