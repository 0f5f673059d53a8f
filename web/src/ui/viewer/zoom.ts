// How a picture lies in the viewer: how large, moved how far, turned how often.
export interface Place {
  scale: number;
  x: number;
  y: number;
  /** Quarter turns, to the right. */
  turns: number;
}

export const FITTING: Place = { scale: 1, x: 0, y: 0, turns: 0 };
export const LARGEST = 8;

/** Scaled by a factor, with the point under the finger or pointer (from the middle) staying where it is. */
export function scaled(place: Place, factor: number, at = { x: 0, y: 0 }): Place {
  const scale = Math.min(LARGEST, Math.max(1, place.scale * factor));
  if (scale === 1) return { ...place, scale, x: 0, y: 0 };
  const grown = scale / place.scale;
  return { ...place, scale, x: at.x - (at.x - place.x) * grown, y: at.y - (at.y - place.y) * grown };
}

/** Moved; never so far that it is out of sight. */
export function moved(place: Place, by: { x: number; y: number }, room: { width: number; height: number }): Place {
  if (place.scale === 1) return place;
  const limit = (size: number) => (size * (place.scale - 1)) / 2;
  const within = (value: number, most: number) => Math.min(most, Math.max(-most, value));
  return { ...place, x: within(place.x + by.x, limit(room.width)), y: within(place.y + by.y, limit(room.height)) };
}
