// "Try again in 18 s": how long the service wants to be left alone, counting down.
import { useEffect, useState } from "react";
import type { ApiError } from "../../core/api";

export function useWait() {
  const [until, setUntil] = useState(0);
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    if (!until) return;
    const look = () => {
      const left = Math.max(0, Math.ceil((until - performance.now()) / 1_000));
      setSeconds(left);
      if (left === 0) setUntil(0);
    };
    look();
    const timer = setInterval(look, 250);
    return () => clearInterval(timer);
  }, [until]);
  /** True when the failure says how long to wait, and the wait has begun. */
  const begin = (problem: ApiError): boolean => {
    const wait = Number(problem.details.retryAfter);
    if (problem.code !== "RATE_LIMITED" || !Number.isFinite(wait) || wait <= 0) return false;
    setSeconds(Math.ceil(wait));
    setUntil(performance.now() + wait * 1_000);
    return true;
  };
  return { seconds, begin };
}
