import "./app/styles";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { guardDrops } from "./app/drops";
import { keptAccount } from "./app/kept-account";
import { keepShell } from "./app/service-worker";
import { nextFrame } from "./app/frames";
import { setSchedule } from "./core/observable";
import { startLanguage } from "./i18n";

const words = startLanguage();
// The page that is wanted comes beside the words, not after them; one that does not come says so when it is drawn.
const page = keptAccount() ? import("./ui/ChatPage") : import("./ui/signin/SignIn");
page.catch(() => {});
keepShell();
guardDrops();
setSchedule(nextFrame);
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
words.then(() => createRoot(root).render(<App />), () => sayMissing(root));

/** Nothing of the client's can be drawn without words. */
function sayMissing(place: HTMLElement): void {
  const again = document.createElement("button");
  again.textContent = "Try again · 重试";
  again.onclick = () => window.location.reload();
  place.setAttribute("role", "alert");
  place.replaceChildren("Wardline cannot be loaded now. · 现在无法加载 Wardline。 ", again);
}
