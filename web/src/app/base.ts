// Where the client lies, as a path without a slash at its end: empty, or the prefix below which a proxy shows it. It follows
// from the page's own scripts, so that nobody has to be told of a prefix.
const here = import.meta.url;

export const BASE = import.meta.env.DEV ? "" : new URL("..", here).pathname.replace(/\/$/, "");
