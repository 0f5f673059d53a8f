// The shell without a network, where the browser has service workers.
import { abilities } from "./abilities";
import { BASE } from "./base";

export function keepShell(): void {
  if (import.meta.env.DEV || !abilities.secure || !abilities.serviceWorker) return;
  const register = () => {
    // Without it everything works as long as there is a network.
    navigator.serviceWorker.register(`${BASE}/sw.js`, { scope: `${BASE}/` }).catch(() => {});
  };
  if (document.readyState === "complete") register();
  else window.addEventListener("load", register);
}
