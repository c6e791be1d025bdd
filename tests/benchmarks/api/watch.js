// Jobs are read at a steady rate, first alone, then while WATCHERS (500) streams of events are open: the calls beside
// them stay under 300 ms for 99 of 100, none times out, and every stream says how far its job is until it ends by itself.
//
// k6 gives an answer when it is whole, so a stream is one call that takes until its end: 55 s, or less on its last lap.

import http from "k6/http";
import { check } from "k6";
import { API, duration, headers, steadily, submitted } from "./common.js";

const watchers = Number(__ENV.WATCHERS || 500);

export const options = {
  scenarios: {
    alone: steadily("look", { duration: "30s", tags: { beside: "nobody" } }),
    watch: { executor: "constant-vus", exec: "watch", vus: watchers, duration, startTime: "35s", gracefulStop: "70s" },
    beside: steadily("look", { startTime: "40s", tags: { beside: "watchers" } }),
  },
  thresholds: {
    "http_req_duration{call:job,beside:nobody}": ["p(99)<300"],
    "http_req_duration{call:job,beside:watchers}": ["p(99)<300"],
    "checks{call:job}": ["rate==1"],
    "checks{call:events}": ["rate>0.99"], // a process that is full says 503; its watcher comes again
    dropped_iterations: ["count==0"],
  },
};

export function setup() {
  return { jobs: Array.from({ length: 50 }, (_, number) => submitted(`k6-watch-${number}-${Date.now()}`)) };
}

export function look({ jobs }) {
  const params = { headers, timeout: "5s", tags: { call: "job", name: "/v1/jobs/ID" } };
  const answer = http.get(`${API}/v1/jobs/${jobs[__ITER % jobs.length]}`, params);
  check(answer, { "is answered": (it) => it.status === 200 }, { call: "job" });
}

export function watch({ jobs }) {
  const params = { headers, timeout: "65s", tags: { call: "events", name: "/v1/jobs/ID/events" } };
  const answer = http.get(`${API}/v1/jobs/${jobs[__VU % jobs.length]}/events`, params);
  check(
    answer,
    {
      "tells the state and ends in order": (it) =>
        it.status === 200 && it.body.includes("event: state") && it.body.includes(": come again"),
    },
    { call: "events" },
  );
}
