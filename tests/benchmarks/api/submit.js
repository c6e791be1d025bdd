// Submissions at a steady rate: 99 of 100 are answered within 500 ms. A try out of ten is repeated, and makes no job.

import { check } from "k6";
import { steadily, submitted } from "./common.js";

export const options = {
  scenarios: { submit: steadily("submit") },
  thresholds: {
    "http_req_duration{call:submit}": ["p(99)<500"],
    http_req_failed: ["rate==0"],
    checks: ["rate==1"],
    dropped_iterations: ["count==0"],
  },
};

export function submit() {
  const key = `k6-${__VU}-${__ITER}-${Date.now()}`;
  const job = submitted(key);
  if (__ITER % 10 === 0) {
    check(submitted(key), { "repeated, it is the same job": (id) => id === job });
  }
}
