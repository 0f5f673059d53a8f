// The window's title: where one is, and how much is unread. Never words of a message.
let name = "Wardline";
let unread = 0;

function show(): void {
  document.title = unread > 0 ? `(${unread > 99 ? "99+" : unread}) ${name}` : name;
}

/** What this page is called; empty for the client's own name. */
export function nameTitle(text: string): void {
  name = text || "Wardline";
  show();
}

/** How many unread messages ring: in the title, and on the installed app's sign where the browser has one. */
export function countTitle(count: number): void {
  unread = count;
  show();
  const badge = navigator as Navigator & { setAppBadge?(count: number): Promise<void>; clearAppBadge?(): Promise<void> };
  void (count > 0 ? badge.setAppBadge?.(count) : badge.clearAppBadge?.())?.catch(() => {});
}
