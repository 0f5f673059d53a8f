// A person or a group as initials on a colour of their own, with a dot for presence.
import { Users } from "lucide-react";
import { useTranslation } from "react-i18next";
import { usePerson } from "../../app/hooks";
import { nameOf } from "../../core/people";
import type { Presence } from "../../core/wire";
import classes from "./Avatar.module.css";

/** 李娜 → 娜 would be one character too few to tell people apart: two for Chinese names, initials for others. */
export function initials(name: string): string {
  const trimmed = name.trim();
  if (/\p{Script=Han}/u.test(trimmed)) return [...trimmed.replace(/\s/g, "")].slice(-2).join("");
  const words = trimmed.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters
    .map((word) => [...(word ?? "")][0] ?? "")
    .join("")
    .toUpperCase();
}

const COLOURS = 8;

function colour(name: string): number {
  // FNV-1a, whose low bits are mixed well enough for eight colours once the high ones are folded in.
  let hash = 0x811c9dc5;
  for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return ((hash ^ (hash >>> 13) ^ (hash >>> 23)) >>> 0) % COLOURS;
}

interface AvatarProps {
  name: string;
  size?: number;
  presence?: Presence;
  group?: boolean;
}

export function Avatar({ name, size = 40, presence, group }: AvatarProps) {
  const { t } = useTranslation();
  return (
    <span className={classes.frame} style={{ width: size, height: size, fontSize: size * 0.36 }}>
      <span className={classes.disc} data-colour={colour(name)} aria-hidden="true">
        {group ? <Users size={size * 0.48} strokeWidth={1.8} /> : initials(name)}
      </span>
      {presence && (
        <span className={classes.dot} data-presence={presence} role="img" aria-label={t(`presence.${presence}`)} />
      )}
    </span>
  );
}

export function PersonAvatar({ userId, size, dot = true }: { userId: string; size?: number; dot?: boolean }) {
  const person = usePerson(userId);
  const name = person ? nameOf(person) : "?";
  return <Avatar name={name} size={size} presence={dot ? person?.status : undefined} />;
}
