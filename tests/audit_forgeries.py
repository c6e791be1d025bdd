"""What somebody can do to an audit who writes to the store and has no key: edits, deletions, insertions, swaps, cut
tails, each in several ways, drawn by a seed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crawler.audit.chain import NO_SEAL, Entry, Seal, sealed

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

KEY = b"a-key-of-tests-that-nobody-has-who-forges"
KINDS = ("edit", "deletion", "insertion", "swap", "cut tail")


@dataclass
class Audit:
    """What lies in the store, in the order of ids."""

    entries: list[Entry]
    seals: list[Seal]
    head: Seal

    def copy(self) -> Audit:
        return Audit(list(self.entries), list(self.seals), self.head)


def entry(at_ms: int, number: int = 0, action: str = "key.revoked") -> Entry:
    words = b'{"v":1,"action":"%s","object":"k%d"}' % (action.encode(), at_ms)
    return Entry(id=f"{at_ms}-{number}", fields=(b"words", words, b"before", b"", b"after", b"", b"of", b"acme"))


def an_audit(size: int, *, begin_ms: int = 1_000) -> Audit:
    """So many entries, all of them sealed."""
    entries = [entry(begin_ms + 10 * number) for number in range(size)]
    seals = sealed(KEY, NO_SEAL, entries)
    return Audit(entries, seals, seals[-1])


def forged(audit: Audit, kind: str, random: Random) -> tuple[Audit, str]:
    """The audit after a manipulation of this kind, and what was done."""
    way = random.choice(_WAYS[kind])
    changed = audit.copy()
    way(changed, random)
    assert changed != audit, (kind, way.__name__)
    return changed, f"{kind}: {way.__name__}"


def _at(audit: Audit, random: Random) -> int:
    return random.randrange(len(audit.entries))


# --- edits ---


def other_words(audit: Audit, random: Random) -> None:
    at = _at(audit, random)
    found = audit.entries[at]
    audit.entries[at] = replace(
        found, fields=(found.fields[0], found.fields[1].replace(b"key.", b"job."), *found.fields[2:])
    )


def one_bit(audit: Audit, random: Random) -> None:
    at = _at(audit, random)
    fields = list(audit.entries[at].fields)
    which = random.choice([number for number, field in enumerate(fields) if field])
    byte, bit = random.randrange(len(fields[which])), 1 << random.randrange(8)
    changed = bytearray(fields[which])
    changed[byte] ^= bit
    fields[which] = bytes(changed)
    audit.entries[at] = replace(audit.entries[at], fields=tuple(fields))


def bytes_moved_to_the_next_field(audit: Audit, random: Random) -> None:
    at = _at(audit, random)
    name, words, *others = audit.entries[at].fields
    audit.entries[at] = replace(audit.entries[at], fields=(name + words[:1], words[1:], *others))


def another_time(audit: Audit, random: Random) -> None:
    at = _at(audit, random)
    moved = f"{audit.entries[at].at_ms + 1}-0"
    audit.entries[at] = replace(audit.entries[at], id=moved)
    audit.seals[at] = replace(audit.seals[at], id=moved)


def words_and_seal(audit: Audit, random: Random) -> None:
    other_words(audit, random)
    at = next(at for at, found in enumerate(audit.entries) if b"job." in found.fields[1])
    audit.seals[at] = replace(audit.seals[at], mac=random.randbytes(32))


# --- deletions ---


def entries_alone(audit: Audit, random: Random) -> None:
    at = _at(audit, random)
    del audit.entries[at : at + random.randint(1, 5)]


def entries_and_seals(audit: Audit, random: Random) -> None:
    at = random.randrange(len(audit.entries) - 6)
    del audit.entries[at : at + 5], audit.seals[at : at + 5]


def entries_and_seals_with_new_numbers(audit: Audit, random: Random) -> None:
    at = random.randrange(len(audit.entries) - 3)
    del audit.entries[at], audit.seals[at]
    audit.seals[at:] = [replace(seal, number=seal.number - 1) for seal in audit.seals[at:]]
    audit.head = audit.seals[-1]


def the_beginning(audit: Audit, random: Random) -> None:
    until = random.randint(1, len(audit.entries) - 1)
    del audit.entries[:until], audit.seals[:until]


def seals_alone(audit: Audit, random: Random) -> None:
    at = random.randrange(len(audit.entries) - 2)
    del audit.seals[at]


# --- insertions ---


def _between(audit: Audit, random: Random) -> tuple[int, Entry]:
    at = random.randrange(1, len(audit.entries))
    return at, entry(audit.entries[at - 1].at_ms, 1, action="job.created")


def without_a_seal(audit: Audit, random: Random) -> None:
    at, new = _between(audit, random)
    audit.entries.insert(at, new)


def with_a_seal_of_its_own(audit: Audit, random: Random) -> None:
    at, new = _between(audit, random)
    audit.entries.insert(at, new)
    audit.seals.insert(at, Seal(number=at + 1, id=new.id, mac=random.randbytes(32)))
    audit.seals[at + 1 :] = [replace(seal, number=seal.number + 1) for seal in audit.seals[at + 1 :]]
    audit.head = audit.seals[-1]


def with_the_seal_of_another(audit: Audit, random: Random) -> None:
    at, new = _between(audit, random)
    audit.entries.insert(at, new)
    audit.seals.insert(at, replace(random.choice(audit.seals), id=new.id))


def before_all(audit: Audit, random: Random) -> None:
    audit.entries.insert(0, entry(random.randint(1, 900)))


# --- swaps ---


def _two(audit: Audit, random: Random) -> tuple[int, int]:
    first, second = sorted(random.sample(range(len(audit.entries)), 2))
    return first, second


def words_of_two(audit: Audit, random: Random) -> None:
    first, second = _two(audit, random)
    one, other = audit.entries[first], audit.entries[second]
    audit.entries[first], audit.entries[second] = replace(one, fields=other.fields), replace(other, fields=one.fields)


def words_and_seals_of_two(audit: Audit, random: Random) -> None:
    first, second = _two(audit, random)
    words_of_two_at(audit, first, second)
    one, other = audit.seals[first], audit.seals[second]
    audit.seals[first], audit.seals[second] = replace(one, mac=other.mac), replace(other, mac=one.mac)
    audit.head = audit.seals[-1]


def words_of_two_at(audit: Audit, first: int, second: int) -> None:
    one, other = audit.entries[first], audit.entries[second]
    audit.entries[first], audit.entries[second] = replace(one, fields=other.fields), replace(other, fields=one.fields)


def numbers_of_two(audit: Audit, random: Random) -> None:
    first, second = _two(audit, random)
    words_of_two_at(audit, first, second)
    one, other = audit.seals[first], audit.seals[second]
    audit.seals[first] = replace(one, mac=other.mac, number=other.number)
    audit.seals[second] = replace(other, mac=one.mac, number=one.number)


# --- cut tails ---


def _tail(audit: Audit, random: Random) -> int:
    return random.randrange(1, len(audit.entries))


def all_of_it(audit: Audit, random: Random) -> None:
    at = _tail(audit, random)
    del audit.entries[at:], audit.seals[at:]
    audit.head = audit.seals[-1]


def to_nothing(audit: Audit, random: Random) -> None:
    _ = random
    audit.entries, audit.seals, audit.head = [], [], NO_SEAL


def but_for_the_head(audit: Audit, random: Random) -> None:
    at = _tail(audit, random)
    del audit.entries[at:], audit.seals[at:]


def sealed_anew_with_other_words(audit: Audit, random: Random) -> None:
    """Seals go, words change, the head goes back: a steward in good faith seals what it finds."""
    at = _tail(audit, random)
    for each in range(at, len(audit.entries)):
        audit.entries[each] = entry(audit.entries[each].at_ms, action="job.paused")
    seals = sealed(KEY, audit.seals[at - 1], audit.entries[at:])
    audit.seals[at:] = seals
    audit.head = seals[-1]


def grown_again(audit: Audit, random: Random) -> None:
    """The end goes, and as many entries and more come after it, sealed by a steward in good faith."""
    at = _tail(audit, random)
    cut = audit.entries[at:]
    new = [
        entry(cut[-1].at_ms + 1000 + number, action="job.paused") for number in range(len(cut) + random.randrange(9))
    ]
    seals = sealed(KEY, audit.seals[at - 1], new)
    audit.entries[at:], audit.seals[at:], audit.head = new, seals, seals[-1]


_WAYS: dict[str, tuple[Callable[[Audit, Random], None], ...]] = {
    "edit": (other_words, one_bit, bytes_moved_to_the_next_field, another_time, words_and_seal),
    "deletion": (
        entries_alone,
        entries_and_seals,
        entries_and_seals_with_new_numbers,
        the_beginning,
        seals_alone,
    ),
    "insertion": (without_a_seal, with_a_seal_of_its_own, with_the_seal_of_another, before_all),
    "swap": (words_of_two, words_and_seals_of_two, numbers_of_two),
    "cut tail": (all_of_it, to_nothing, but_for_the_head, sealed_anew_with_other_words, grown_again),
}
