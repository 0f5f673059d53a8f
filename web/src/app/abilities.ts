// What this browser gives this page. Much of it exists in secure contexts (https, or the machine itself) only, some of it not
// in every browser, some a house forbids: everything is asked for here before it is offered.
export const abilities = {
  /** The page came over https, or from this machine. */
  get secure(): boolean {
    return window.isSecureContext;
  },
  get alerts(): boolean {
    return window.isSecureContext && "Notification" in window;
  },
  get microphone(): boolean {
    return typeof navigator.mediaDevices?.getUserMedia === "function" && typeof window.MediaRecorder === "function";
  },
  /** Encryption of what is kept on this device. */
  get cryptography(): boolean {
    return globalThis.crypto?.subtle !== undefined;
  },
  get serviceWorker(): boolean {
    return navigator.serviceWorker !== undefined;
  },
};
