// What orval's client calls with: the service's address and, once somebody has signed in, their token.
const address = process.env.WARDLINE_URL;
let token: string | undefined;

export function actWith(given: string): void {
  token = given;
}

export async function call<T>(path: string, options: RequestInit): Promise<T> {
  const headers = new Headers(options.headers);
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  const response = await fetch(`${address}${path}`, { ...options, headers });
  return { status: response.status, data: await response.json(), headers: response.headers } as T;
}
