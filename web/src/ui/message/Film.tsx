// A film: a player where this device can play it, and always the file itself.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { visibleName } from "../common/names";
import { FileCard, type FileOf } from "./FileCard";
import classes from "./Body.module.css";
import { useFileLink } from "./useFileLink";

const ENDINGS = /\.(mp4|m4v|mov|webm|ogv)$/i;

export function isFilm(fileName: string): boolean {
  return ENDINGS.test(fileName);
}

export function Film({ file }: { file: FileOf }) {
  const { t } = useTranslation();
  const { link, failed, broke } = useFileLink(file.fileUrl);
  // The address that the player began with stays: another one would begin the film anew.
  const [broken, setBroken] = useState(false);
  return (
    <>
      {link && !failed && !broken && (
        <video
          className={classes.film}
          controls
          playsInline
          preload="metadata"
          src={link.url}
          aria-label={visibleName(file.fileName)}
          title={t("file.film")}
          onError={({ currentTarget: player }) =>
            // A format of which this device knows nothing is no matter of the address.
            player.error?.code === MediaError.MEDIA_ERR_NETWORK ? broke() : setBroken(true)
          }
        />
      )}
      <FileCard file={file} />
    </>
  );
}
