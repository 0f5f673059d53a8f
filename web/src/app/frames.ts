// When changes are told to the view: with the next frame, or, on a hidden page, which has no frames, with a timer.
export function nextFrame(job: () => void): void {
  if (document.visibilityState === "visible") {
    let done = false;
    const once = () => {
      if (done) return;
      done = true;
      job();
    };
    requestAnimationFrame(once);
    // A window behind another one may be "visible" and yet get no frames.
    setTimeout(once, 100);
  } else setTimeout(job, 50);
}
