// Notices of the service beside a success: that a mentioned user no longer reads messages.
import { Observable } from "./observable";

export interface Warning {
  code: string;
  userIds?: string[];
}

const NONE: readonly Warning[] = [];

export class Notices extends Observable {
  private readonly bySession = new Map<string, readonly Warning[]>();

  /** The warnings of the last answer in a session. The same array as long as nothing changes. */
  of(sessionId: string): readonly Warning[] {
    return this.bySession.get(sessionId) ?? NONE;
  }

  take(sessionId: string, warnings: readonly Warning[] | undefined): void {
    if (!warnings?.length) return;
    this.bySession.set(sessionId, warnings);
    this.changed();
  }

  dismiss(sessionId: string): void {
    if (this.bySession.delete(sessionId)) this.changed();
  }
}
