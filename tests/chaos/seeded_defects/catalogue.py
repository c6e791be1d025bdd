"""Defects that a developer could have made, each of which breaks the promise in another place: the checker must see it.

A defect is a few edits of the product's text, made while a process loads it (`sitecustomize.py` beside this file); the
files themselves stay as they are. Data only, and of the standard library only: processes read it before anything else.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One place of the product that is another one. `old` occurs exactly once in the file, or the process ends."""

    file: str  # from the root of the repository
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Defect:
    """What is broken, and what tells.

    Attributes:
        broken: what is wrong with the product, in a sentence.
        promise: what it should have kept.
        scenario: the run that brings it to light, see `defect_runs.SCENARIOS`.
        finding: the kind of problem that the checker names, see `checker.KINDS`.
        edits: how it is broken.
    """

    broken: str
    promise: str
    scenario: str
    finding: str
    edits: tuple[Edit, ...]


_COMMIT = "crawler/frontier/lua/commit.lua"
_FRONTIER = "crawler/frontier/lua/frontier.lua"
_LEASE = "crawler/frontier/lua/lease.lua"
_RECORD = "crawler/frontier/lua/record.lua"
_RELEASE = "crawler/frontier/lua/release.lua"
_REDIS = "crawler/frontier/redis.py"

# `RedisFrontier._commit` as it is, and the beginning of a second call that finishes what a first one left out.
_ONE_CALL = """\
        words = msgspec.msgpack.encode([page for page, _ in pages])
        answers = await self._call(_COMMIT, self._max_rows, words, *(body for _, bodies in pages for body in bodies))
        return [commit_reply(answer) for answer, _ in zip(answers, pages, strict=True)]
"""

_ROWS_AFTERWARDS = """\
        bare = [(*page[:7], [], page[8]) for page, _ in pages]
        links = [body for page, bodies in pages for body in bodies[: len(page[6])]]
        answers = await self._call(_COMMIT, self._max_rows, msgspec.msgpack.encode(bare), *links)
        append = Script(name="append.lua", source=load_script(_LUA, "frontier.lua").source + '''
            local at = 3
            while at <= #ARGV do
              local kept = {}
              for i = 1, tonumber(ARGV[at + 1]) do
                local item, body = ARGV[at + 2 * i], ARGV[at + 2 * i + 1]
                if keep_row(item, '0', {}, -1, 0) == 'S' then kept[#kept + 1], kept[#kept + 2] = item, body end
              end
              write_rows(ARGV[at], kept)
              at = at + 2 + 2 * tonumber(ARGV[at + 1])
            end
            flush_rows()
            return 1
        ''')
        words = []
        replies = []
        for (page, bodies), answer in zip(pages, answers, strict=True):
            kept = page[7] if answer[:1] == b"+" else []
            if kept:
                words += [page[0], len(kept)]
                words += [word for row, body in zip(kept, bodies[len(page[6]) :]) for word in (row[0], body)]
            replies.append(commit_reply(answer + b"S" * len(kept)))
        if words:
            await self._call(append, *words)
        return replies
"""

_LINKS_AFTERWARDS = """\
        bare = [(*page[:6], [], *page[7:]) for page, _ in pages]
        rows = [body for page, bodies in pages for body in bodies[len(page[6]) :]]
        coming = sum(len(page[6]) for page, _ in pages)
        await self._store.command("HINCRBY", self._keys[0], "staged", coming)
        answers = await self._call(_COMMIT, self._max_rows, msgspec.msgpack.encode(bare), *rows)
        replies = []
        for (page, bodies), answer in zip(pages, answers, strict=True):
            if answer[:1] != b"+":
                replies.append(commit_reply(answer))
                continue
            words = [w for child, body in zip(page[6], bodies) for w in (child[0], child[1], child[2], body)]
            letters = await self._enqueue(words) if words else ""
            replies.append(commit_reply(b"+" + letters.encode() + answer[1:]))
        await self._store.command("HINCRBY", self._keys[0], "staged", -coming)
        return replies
"""

_LINKS_LOOKED_UP_BEFORE = """\
        known = Script(name="known.lua", source=load_script(_LUA, "frontier.lua").source + '''
            local answers = {}
            for i = 3, #ARGV do answers[#answers + 1] = set_has('seen', ARGV[i]) and 1 or 0 end
            return answers
        ''')
        links = [child[0] for page, _ in pages for child in page[6]]
        told = iter(await self._call(known, *links) if links else ())
        pages = [
            ((*page[:6], [(*child, next(told) == 1) for child in page[6]], *page[7:]), bodies)
            for page, bodies in pages
        ]
"""

#: By name. Each is shown by the scenario that it names, and the same scenario without it shows nothing.
DEFECTS: dict[str, Defect] = {
    "commit-without-lease": Defect(
        broken="A commit counts by the page's id alone: nobody looks whether its sender still holds the lease.",
        promise="at most one live token for a request; a stale commit changes nothing",
        scenario="late-commit",
        finding="doubled",
        edits=(
            Edit(
                file=_COMMIT,
                old="  if not o or o.token ~= page[TOKEN] or spent[page[ID]] then\n",
                new=(
                    "  o = o or {token = '0', worker = '', tries = 0, crash_tries = 0, suspect = 0, staged = 0,"
                    " score = 0, host = ''}\n"
                    "  if spent[page[ID]] then\n"
                ),
            ),
        ),
    ),
    "rows-after-commit": Defect(
        broken="A page is settled by one call, and its rows are appended by a second one.",
        promise="rows count in the moment in which their page is settled",
        scenario="killed-while-rows-are-told",
        finding="lost",
        edits=(Edit(file=_REDIS, old=_ONE_CALL, new=_ROWS_AFTERWARDS),),
    ),
    "links-after-commit": Defect(
        broken=(
            "A page is settled by one call, and what it links to is enqueued by a second one;"
            " in between, a counter keeps the job from ending."
        ),
        promise="links are accepted in the moment in which their page is settled",
        scenario="killed-while-links-are-told",
        finding="unfinished",
        edits=(Edit(file=_REDIS, old=_ONE_CALL, new=_LINKS_AFTERWARDS),),
    ),
    "popped-without-lease": Defect(
        broken="A request leaves the queue when it is given out, and no lease is noted: as scrapy-redis does it.",
        promise="a request is in the store until it is settled",
        scenario="killed-before-it-asks-for-more-time",
        finding="lost",
        edits=(
            Edit(
                file=_LEASE,
                old="in_parts(deadlines, 'ZADD', LEASED)\n",
                new="in_parts(chosen, 'HDEL', BODY)\n",
            ),
        ),
    ),
    "leases-never-expire": Defect(
        broken="Nobody takes expired leases back.",
        promise="faults end, and the job goes on",
        scenario="killed-worker",
        finding="unfinished",
        edits=(
            Edit(
                file=_FRONTIER,
                old="  if first_leased and first_leased <= NOW then\n",
                new="  if first_leased and first_leased <= 0 then\n",
            ),
        ),
    ),
    "expiry-is-a-crash": Defect(
        broken="Every lease that expires counts against its page, whatever else its holder had in hand.",
        promise="only a page that was held alone is suspected of killing its workers",
        scenario="killed-again-and-again",
        finding="poison",
        edits=(
            Edit(
                file=_FRONTIER,
                old="  if alone then o.crash_tries = o.crash_tries + 1 end\n",
                new="  o.crash_tries = o.crash_tries + 1\n",
            ),
        ),
    ),
    "renewal-does-nothing": Defect(
        broken="The thread that prolongs leases runs, and says nothing to the store.",
        promise="a lease lives as long as its holder does",
        scenario="slow-page",
        finding="expired",
        edits=(
            Edit(
                file=_REDIS,
                old="            lost += named(part, self._store.call(_RENEW, self._keys, words))\n",
                new="            _ = words\n",
            ),
        ),
    ),
    "links-looked-up-before": Defect(
        broken="Whether a link is known is asked in a call before the commit, and not again by the commit.",
        promise="a request with a known id is not accepted again",
        scenario="slow-commit",
        finding="doubled",
        edits=(
            Edit(
                file=_REDIS,
                old=_ONE_CALL,
                new=_LINKS_LOOKED_UP_BEFORE + _ONE_CALL,
            ),
            Edit(
                file=_COMMIT,
                old="  local accepted = accept(id, child[2], child[3], body)\n",
                new="  local accepted = not child[6] and accept(id, child[2], child[3], body, true)\n",
            ),
            Edit(
                file=_FRONTIER,
                old=(
                    "local function accept(id, host, priority, body)\n"
                    "  if not set_add('seen', id) then return false end\n"
                ),
                new=(
                    "local function accept(id, host, priority, body, is_new)\n"
                    "  if not set_add('seen', id) and not is_new then return false end\n"
                ),
            ),
        ),
    ),
    "release-forgets-half": Defect(
        broken="A worker that is told to go hands back every other page of those it holds.",
        promise="who leaves in order leaves nothing behind that others have to wait for",
        scenario="told-to-go",
        finding="left_behind",
        edits=(
            Edit(
                file=_RELEASE,
                old="  for i = 4, #ARGV, 2 do hand_back(ARGV[i], ARGV[i + 1]) end\n",
                new="  for i = 4, #ARGV, 4 do hand_back(ARGV[i], ARGV[i + 1]) end\n",
            ),
            Edit(
                file="crawler/scheduler.py",
                old="        await self._frontier.release(worker=self._worker)\n",
                new="",
            ),
        ),
    ),
    "trimmed-before-recorded": Defect(
        broken="Rows leave the stream when they are read, before their segment is written and recorded.",
        promise="a row is in the stream or in exactly one recorded segment",
        scenario="steward-killed-at-segment",
        finding="unfinished",
        edits=(
            Edit(
                file="crawler/steward/export.py",
                old="            segment = await in_thread(\n                write_segment,\n",
                new=(
                    '            rows = f"{ground.store.prefix}:{{{job.id}}}:rows"\n'
                    '            names = await ground.store.command("XRANGE", rows, "-", chunk.last)\n'
                    '            await ground.store.command("XDEL", rows, *(name for name, _ in names))\n'
                    "            segment = await in_thread(\n                write_segment,\n"
                ),
            ),
        ),
    ),
    "recorded-without-compare": Defect(
        broken="A segment is recorded whatever is before it, and in the stream: two stewards record the same rows.",
        promise="the chain of segments is unbroken, and each row in one of them",
        scenario="late-record",
        finding="unfinished",
        edits=(
            Edit(
                file=_RECORD,
                old="if tonumber(ARGV[3]) ~= tonumber(last[1] or 0) + 1 or ARGV[4] ~= (last[2] or '') then",
                new="if ARGV[9] == '' then",
            ),
            Edit(
                file=_RECORD,
                old="if not entry or digest_of(entry[2]) ~= ARGV[10] then return 0 end",
                new="",
            ),
        ),
    ),
    "manifest-overwritten": Defect(
        broken="The manifest is put whether or not the job has one.",
        promise="what a job has come to does not change any more",
        scenario="late-manifest",
        finding="changed",
        edits=(
            Edit(
                file="crawler/exports/manifest.py",
                old="content_type=CONTENT_TYPE, only_new=True)",
                new="content_type=CONTENT_TYPE)",
            ),
        ),
    ),
    "job-without-intent": Defect(
        broken="A job is accepted without its intent in the storage of files.",
        promise="a job that was accepted exists, whatever becomes of the store",
        scenario="emptied-store",
        finding="unfinished",
        edits=(
            Edit(
                file="crawler/cli/job_submit.py",
                old="            write_intent(objects, new)\n",
                new="",
            ),
        ),
    ),
    "seats-never-free": Defect(
        broken="The seat of a worker that is gone is never given to another one.",
        promise="a seat that nobody keeps is free",
        scenario="killed-node",
        finding="unfinished",
        edits=(
            Edit(
                file="crawler/jobs/lua/seats.lua",
                old="    if s.deadline < NOW and uptime_ms() > ttl then\n",
                new="    if s.deadline < 0 and uptime_ms() > ttl then\n",
            ),
        ),
    ),
}
