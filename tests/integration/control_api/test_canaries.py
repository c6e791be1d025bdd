"""Secrets stay where they are: none is ever in the log, in figures, in a list of processes or in an answer."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from api_calls import ORDER, bearer, new_client
from api_people import in_store
from api_process import ApiProcess
from seaweed_server import SECRET_KEY

from crawler.access.model import Scope
from crawler.exports.keys import JobKeys
from crawler.jobs.redis import RedisJobStore

RECIPE = """
schema_version: 1
name: members
version: "1.0.0"
inputs:
  site: {type: string, format: uri}
  password: {type: string, pattern: "^canary"}
start: [{urls: "{{ inputs.site }}/", page: page}]
pages: {page: {item: page, fields: {url: {response: url}}}}
items: {page: {version: 1, fields: {url: {type: string, required: true}}}}
"""


#: A job has what was ordered; who has sent something that is refused is told what.
MAY_SHOW = {"job": {"input"}, "answers": {"wrong_input"}}


@pytest.fixture
def canaries():
    names = ("pepper", "password_of_the_store", "metrics_token", "input", "wrong_input")
    return {name: f"canary{secrets.token_hex(16)}" for name in names} | {"S3": SECRET_KEY}


@pytest.fixture
def guarded(new_valkey, s3, canaries, tmp_path):
    """A store with a password, and an API of which every secret is a canary."""
    store = new_valkey(appendfsync=None)
    with redis.Redis(port=store.port) as client:
        client.config_set("requirepass", canaries["password_of_the_store"])
    url = f"redis://:{canaries['password_of_the_store']}@127.0.0.1:{store.port}"
    process = ApiProcess(
        tmp_path / "api",
        redis_url=url,
        storage=s3.environment,
        API_KEY_PEPPERS=f"1:{canaries['pepper']}",
        METRICS_TOKEN=canaries["metrics_token"],
        CRAWLERY_LOG_LEVEL="DEBUG",
    )
    process.start()
    yield store, url, process
    process.kill()


def command_lines(process: ApiProcess) -> str:
    pids = [process.pid, *process.workers()]
    return "\n".join(Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in pids)


def spoken(process: ApiProcess, text: str) -> str:
    """What is answered to something that is hardly HTTP."""
    parts = urlsplit(process.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(text.encode())
        said = b""
        while chunk := connection.recv(65536):
            said += chunk
    return said.decode(errors="replace")


def test_no_secret_is_in_logs_figures_processes_records_or_answers(guarded, canaries, s3):
    store, url, process = guarded
    made = in_store(url, lambda access, _: made_key(access), peppers=f"1:{canaries['pepper']}")
    canaries["key"], canaries["secret_of_the_key"] = made, made.split("_")[3]
    answers = []
    with new_client() as client:

        def call(method: str, path: str, *, headers=None, **given) -> None:
            answer = client.request(method, process.url + path, headers=headers or bearer(made), **given)
            answers.append(f"{answer.status_code} {answer.headers} {answer.text}")

        order = {"recipe_text": RECIPE, "inputs": {"site": "http://127.0.0.1:9", "password": canaries["input"]}}
        call("POST", "/v1/jobs", json=order)
        assert answers[0].startswith("201"), answers
        wrong = canaries["wrong_input"].replace("canary", "bird")
        call("POST", "/v1/jobs", json={**order, "inputs": {"site": "http://127.0.0.1:9", "password": wrong}})
        call("POST", "/v1/jobs", json={**order, "inputs": {"site": wrong, "password": canaries["input"]}})
        call("POST", "/v1/jobs", json={**order, "inputs": {"sites": wrong, wrong: canaries["input"]}})
        call("POST", "/v1/jobs", json={**ORDER, "priority": wrong})
        call("POST", "/v1/jobs", content=f'{{"recipe": "{wrong}'.encode(), headers=bearer(made))
        call("GET", f"/v1/me?key={made}")
        call("GET", f"/v1/jobs/{made}")
        call("GET", "/v1/me", headers={"Authorization": f"Basic {made}"})
        call("GET", "/v1/me", headers={"X-Api-Key": made, "Cookie": f"key={made}"})
        call("GET", "/v1/me", headers=bearer(f"{made[:-1]}x"))
        call("GET", "/v1/keys")
        call("GET", "/v1/ready")
        call("GET", "/metrics", headers=bearer(canaries["metrics_token"]))
        assert "http_server_request_duration_seconds" in answers[-1]
        for broken in ("GET /v1/me HTTP/1.1\r\nAuthorization Bearer {}\r\n\r\n", "GET /v1/me?{} HTTP/9\r\n\r\n"):
            spoken(process, broken.replace("{}", made))
        (job,) = in_store(url, jobs_of, peppers=f"1:{canaries['pepper']}")
        store.kill()
        call("GET", "/v1/me")
        assert answers[-1].startswith("503")
    canaries["wrong_input"] = wrong
    processes = command_lines(process)
    assert "gunicorn" in processes
    process.kill()
    said = {"answers": "\n".join(answers), "log": process.log(), "job": repr(job), "processes": processes}
    for where, text in said.items():
        shown = {name for name, canary in canaries.items() if canary in text}
        assert shown <= MAY_SHOW.get(where, set()), where
    assert s3.objects.info(JobKeys(client="carol", job=job.id).record) is None
    assert "GET" in said["log"]


async def made_key(access) -> str:
    from crawler.access.model import Client

    await access.create_client(Client(id="carol", rate_limit="1000/second"))
    _, text = await access.create_key("carol", set(Scope))
    return text


async def jobs_of(_access, store):
    return [stored.job for stored in (await RedisJobStore(store).newest()).jobs]
