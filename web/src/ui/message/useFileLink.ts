import { useEffect, useState } from "react";
import { useAccount } from "../../app/account";
import { type FileLink, fileLink } from "../../app/files";

export interface FileLinkState {
  link: FileLink | null;
  failed: boolean;
}

/** The signed address of a file that is shown. */
export function useFileLink(fileUrl: string): FileLinkState {
  const { api } = useAccount();
  const [state, setState] = useState<FileLinkState>({ link: null, failed: false });
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
  }, [api, fileUrl]);
  return state;
}
