// What the scenarios have in common: where the API is, whose key is used, and a job to look at.
//
// In the environment: API = http://HOST:PORT, KEY = ck_live_... of a client with a high rate limit, RECIPE and SITE of
// the jobs that are made; RATE = calls a second, DURATION = of a scenario.

import http from "k6/http";
import { check, fail } from "k6";

export const API = __ENV.API || fail("API=http://HOST:PORT is missing");
export const headers = { Authorization: `Bearer ${__ENV.KEY || fail("KEY=ck_live_... is missing")}` };
export const rate = Number(__ENV.RATE || 50);
export const duration = __ENV.DURATION || "60s";

export function steadily(exec, more = {}) {
  return {
    executor: "constant-arrival-rate",
    exec,
    rate,
    timeUnit: "1s",
    duration,
    preAllocatedVUs: 2 * rate,
    maxVUs: 10 * rate,
    ...more,
  };
}

export function submitted(key) {
  const order = { recipe: __ENV.RECIPE || "shop", inputs: { site: __ENV.SITE || "http://127.0.0.1:9" } };
  const answer = http.post(`${API}/v1/jobs`, JSON.stringify(order), {
    headers: { ...headers, "Content-Type": "application/json", "Idempotency-Key": key },
    tags: { call: "submit" },
  });
  check(answer, { "a job is made": (it) => it.status === 201 });
  return answer.json("id");
}
