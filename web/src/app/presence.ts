// Away by itself: nobody touched anything for five minutes. Back with the first touch.
import { useEffect } from "react";
import type { ChatClient } from "../core/client";
import { attention } from "./attention";

export function usePresenceOfMine(client: ChatClient): void {
  useEffect(() => {
    const here = attention();
    const tell = () => client.setPresence(here.idle ? "away" : "online");
    tell();
    return here.subscribe(tell);
  }, [client]);
}
