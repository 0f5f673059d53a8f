// Fetching pieces of this client that the first load leaves out.

/** Fetches a piece with `import`, on its n-th attempt. Some browsers never ask twice for an address that failed: after that it gets another. */
export async function fetchChunk<T>(load: () => Promise<T>, attempt: number): Promise<T> {
  try {
    return await load();
  } catch (problem) {
    const address = /https?:\/\/\S+\.js/.exec(String(problem))?.[0];
    if (!address || attempt < 2) throw problem;
    return (await import(/* @vite-ignore */ `${address}?again=${attempt}`)) as T;
  }
}
