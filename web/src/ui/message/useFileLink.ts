import { useCallback, useEffect, useRef, useState } from "react";
import { useAccount } from "../../app/account";
import { type FileLink, fileLink, forgetLink } from "../../app/files";

export interface FileLinkState {
  link: FileLink | null;
  failed: boolean;
  /** It could not be loaded from there: asks for a new address, once. */
  broke(): void;
}

/** The signed address of a file that is shown. */
export function useFileLink(fileUrl: string): FileLinkState {
  const { api } = useAccount();
  const [state, setState] = useState<Omit<FileLinkState, "broke">>({ link: null, failed: false });
  const [attempt, setAttempt] = useState(0);
  const asked = useRef("");
  useEffect(() => {
    let gone = false;
    setState({ link: null, failed: false });
    fileLink(api, fileUrl).then(
      (link) => !gone && setState({ link, failed: false }),
      () => !gone && setState({ link: null, failed: true }),
    );
    return () => {
      gone = true;
    };
  }, [api, fileUrl, attempt]);
  const broke = useCallback(() => {
    if (asked.current === fileUrl) {
      setState({ link: null, failed: true });
      return;
    }
    asked.current = fileUrl;
    forgetLink(fileUrl);
    setAttempt((before) => before + 1);
  }, [fileUrl]);
  return { ...state, broke };
}
