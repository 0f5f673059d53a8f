// A person or a group: the picture they chose, else initials on a colour of their own, with a dot for presence.
import { Users } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import { fileLink } from "../../app/files";
import { usePerson, usePresence } from "../../app/hooks";
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

const OWN_FILE = /^\/api\/chat\/files\/[0-9a-f]{24}$/;

/** The picture's address here when it is one of this service's files; nothing else is ever fetched for an avatar. */
export function ownFile(avatar: string | undefined): string | null {
  return avatar && OWN_FILE.test(avatar) ? avatar : null;
}

interface AvatarProps {
  name: string;
  /** Whose it is: what the colour comes from, so that two of one name differ. */
  id?: string;
  size?: number;
  presence?: Presence | "unknown";
  group?: boolean;
  /** The profile's `avatar`, wherever it points. */
  picture?: string;
}

export function Avatar({ name, id, size = 40, presence, group, picture }: AvatarProps) {
  const { t } = useTranslation();
  const file = ownFile(picture);
  const [broken, setBroken] = useState("");
  const rem = size / 16;
  return (
    <span className={classes.frame} style={{ width: `${rem}rem`, height: `${rem}rem`, fontSize: `${rem * 0.36}rem` }}>
      {file && file !== broken ? (
        <Picture key={file} file={file} onBroken={() => setBroken(file)} />
      ) : (
        <span className={classes.disc} data-colour={colour(id ?? name)} aria-hidden="true">
          {group ? <Users size={`${rem * 0.48}rem`} strokeWidth={1.8} /> : initials(name)}
        </span>
      )}
      {presence && (
        <span className={classes.dot} data-presence={presence} role="img" aria-label={t(`presence.${presence}`)} />
      )}
    </span>
  );
}

/** Asks for the picture's address only when it comes into sight. */
function Picture({ file, onBroken }: { file: string; onBroken(): void }) {
  const { api } = useAccount();
  const place = useRef<HTMLSpanElement>(null);
  const [url, setUrl] = useState("");
  const broken = useRef(onBroken);
  broken.current = onBroken;
  useEffect(() => {
    let gone = false;
    const element = place.current;
    if (!element) return;
    const watch = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watch.disconnect();
      fileLink(api, file).then(
        (link) => {
          if (!gone) setUrl(link.thumbnailUrl ?? link.url);
        },
        () => !gone && broken.current(),
      );
    });
    watch.observe(element);
    return () => {
      gone = true;
      watch.disconnect();
    };
  }, [api, file]);
  return (
    <span ref={place} className={classes.picture}>
      {url && <img src={url} alt="" loading="lazy" decoding="async" onError={onBroken} data-testid="avatar-picture" />}
    </span>
  );
}

export function PersonAvatar({ userId, size, dot = true }: { userId: string; size?: number; dot?: boolean }) {
  const person = usePerson(userId);
  const presence = usePresence(userId);
  const name = person ? nameOf(person) : "?";
  return (
    <Avatar name={name} id={userId} size={size} picture={person?.avatar} presence={dot && person && person.isActive !== false ? presence : undefined} />
  );
}
