import "./app/styles";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { nextFrame } from "./app/frames";
import { setSchedule } from "./core/observable";
import { startLanguage } from "./i18n";

startLanguage();
setSchedule(nextFrame);
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(<App />);
