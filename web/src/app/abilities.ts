// The features that this browser gives this page. Many exist in secure contexts (https, or the machine itself) only, some
// not in every browser, and an organisation may forbid some. Each is checked here before it is offered.
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
