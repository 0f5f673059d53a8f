// The shell without a network: the page and the scripts of this build are kept, so that a reload opens the client with what it
// has. Nothing else is: no call, no file, no word of anybody's. VERSION and FILES are put before this by the build.
const PREFIX = "wardline-shell-";
const CACHE = PREFIX + VERSION;
/** A page of the build before may still be open and ask for its parts. */
const KEPT = 2;
const PATIENCE_MS = 4_000;
/** What belongs to the service. */
const OTHERS = /^(api|socket\.io|docs|metrics|health)(\/|$)/;
const scope = new URL(self.registration.scope);

self.addEventListener("install", (event) => {
  const asNew = ["./", ...FILES].map((name) => new Request(new URL(name, scope), { cache: name === "./" ? "reload" : "default", credentials: "omit" }));
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(asNew))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    const shells = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    const old = shells.slice(0, Math.max(0, shells.length - (KEPT - 1)));
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return;
  const path = url.pathname.slice(scope.pathname.length);
  if (OTHERS.test(path)) return;
  if (request.mode === "navigate") event.respondWith(page(request, path));
  else if (path.startsWith("assets/")) event.respondWith(asset(request));
});

/** The newest page there is; the kept one when none comes in time. */
async function page(request, path) {
  const kept = path === "" || path === "index.html" ? await (await caches.open(CACHE)).match(new URL("./", scope)) : undefined;
  try {
    const late = kept && new Promise((_, fail) => setTimeout(() => fail(new Error("too late")), PATIENCE_MS));
    const answer = await (late ? Promise.race([fetch(request), late]) : fetch(request));
    if (answer.status < 500 || !kept) return answer;
  } catch (problem) {
    if (!kept && path !== "" && path !== "index.html") return Response.redirect(scope.href);
    if (!kept) throw problem;
  }
  return kept;
}

/** A name in here never gets another content. */
async function asset(request) {
  const kept = await caches.match(request.url, { ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    const copy = answer.clone();
    void caches.open(CACHE).then((cache) => cache.put(request.url, copy)).catch(() => {});
  }
  return answer;
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const open = event.notification.data?.sessionId;
  const show = async () => {
    const [window] = await self.clients.matchAll({ type: "window" });
    if (window) {
      await window.focus();
      window.postMessage({ open });
    } else await self.clients.openWindow(`${scope.href}${open ? `#/s/${open}` : ""}`);
  };
  event.waitUntil(show());
});
