// Lists of jobs, single jobs and recipes at a steady rate: 99 of 100 are answered within 300 ms.

import http from "k6/http";
import { check } from "k6";
import { API, headers, steadily, submitted } from "./common.js";

export const options = {
  scenarios: { read: steadily("read") },
  thresholds: {
    "http_req_duration{call:list}": ["p(99)<300"],
    "http_req_duration{call:job}": ["p(99)<300"],
    "http_req_duration{call:recipes}": ["p(99)<300"],
    http_req_failed: ["rate==0"],
    checks: ["rate==1"],
    dropped_iterations: ["count==0"],
  },
};

export function setup() {
  return { job: submitted(`k6-list-${Date.now()}`) };
}

export function read({ job }) {
  const [call, path] = [
    ["list", "/v1/jobs?limit=50"],
    ["list", "/v1/jobs?state=queued&state=running&limit=200"],
    ["job", `/v1/jobs/${job}`],
    ["recipes", "/v1/recipes"],
  ][__ITER % 4];
  const answer = http.get(`${API}${path}`, { headers, tags: { call, name: path.split("?")[0].replace(job, "ID") } });
  check(answer, { "is answered": (it) => it.status === 200 });
}
