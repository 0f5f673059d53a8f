// Desktop notifications, by whichever way the browser has: some let only the service worker show them.
export interface Note {
  close(): void;
}

const registration = () => navigator.serviceWorker?.getRegistration().catch(() => undefined);

/** Shows a notification; null when the browser cannot. */
export function notify(title: string, options: NotificationOptions, opened: () => void): Note | null {
  try {
    const note = new Notification(title, options);
    note.onclick = () => {
      opened();
      note.close();
    };
    return note;
  } catch {
    if (!navigator.serviceWorker) return null;
  }
  const { tag } = options;
  void registration()?.then((worker) => worker?.showNotification(title, { ...options, data: { sessionId: tag } }).catch(() => {}));
  return { close: () => void registration()?.then((worker) => worker?.getNotifications({ tag }).then(closeAll)) };
}

const closeAll = (notes: readonly Notification[]) => {
  for (const note of notes) note.close();
};

/** Calls back when a notification of the service worker's was chosen. */
export function openedFromNote(open: (sessionId: string) => void): () => void {
  const { serviceWorker } = navigator;
  const heard = (event: MessageEvent<{ open?: unknown } | null>) => {
    if (typeof event.data?.open === "string") open(event.data.open);
  };
  serviceWorker?.addEventListener("message", heard);
  return () => serviceWorker?.removeEventListener("message", heard);
}
