"""On the PYTHONPATH of a process, this makes it one of the next release: its requests have a version and a field more.

It reads what this release writes, as every release reads what the one before it wrote. That it writes the new format at
once is what a release must not do; it is what makes the most of a mixed fleet.
"""

from crawler.frontier import codec


class NextRequest(codec.WireRequest, frozen=True, kw_only=True, array_like=True):
    """As this release has it, and something at the end that an older reader would not know to heed."""

    lane: str = ""


def encode(request, *, _encode=codec.encode):
    fields = {name: getattr(request, name) for name in codec.WireRequest.__struct_fields__}
    return _encode(NextRequest(**{**fields, "v": codec.VERSION, "lane": "fast"}))


def encode_plain(**values):
    return encode(NextRequest(**values))


codec.VERSION = codec.NEWEST_READ = codec.NEWEST_READ + 1
codec.WireRequest = NextRequest
codec.encode = encode
codec.encode_plain = encode_plain
