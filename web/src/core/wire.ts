// The nouns of the wire that the core works with, under their plain names.
import type * as events from "../types/events";
import type { Standing } from "./api";

export type Message = events.Message;
export type SessionDocument = events.Session;
export type Member = events.Member;
export type Position = events.Position;
export type Presence = events.StatusName;
export type Person = events.User & Standing;
export type Draft = events.MessageSend;
export type SessionSync = events.SessionSync;
export type { Acknowledgements, ClientEvents, ServerEvents } from "../types/events";
