export default function ChatPage({ sessionId }: { sessionId?: string }) {
  return <main>{sessionId}</main>;
}
