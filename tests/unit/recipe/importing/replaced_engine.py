"""The step engine of the replaced system, written anew from what is known of it: the measure of `replaced_steps`.

It runs steps on texts as that engine did, errors swallowed, so that what a step does is seen and not argued.
"""

import re
import warnings

#: Texts of pages on which every step that can do something does it; none has a backslash.
PROBES = (
    ' - Oak chair  |  NEW Colour Small Large Grey leather 1,234.56 12 cm 12 ס"מ -* ',
    "₪1.234,56 incl. $ € £ USD EUR\n\t two  lines .!",
    "בחר צבע בחרי צבע חדש מבצע תיק לבן בחר גודל",
    "Price: 12 &amp; more\u200f fresh scent ab",
    "Choose an option",
    "replace: trim: -[x]-",
    "*|oak|*",
    "-]oak[]",
    "was 10.50 now 12.75",
)


def _javascript(pattern):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of `[[`, which means the same in both
        return re.compile(pattern)


def _substitute(text, pattern, new):
    def one(match):
        return re.sub(r"\$(\d)", lambda group: match.group(int(group[1])) or "", new)

    return _javascript(pattern).sub(one, text)


def run_step(step, text):
    """What the engine made of `text`."""
    try:
        if "->" in step:
            pattern, new, *_ = (part.strip() for part in step.split("->"))
            return _substitute(text, pattern, new) if pattern and new else text
        if step.startswith("trim:"):
            characters = step[5:]
            text = text.strip()
            return _javascript(f"^[{characters}]+|[{characters}]+$").sub("", text) if characters else text
        if step.startswith("replace:"):
            pattern, new, *_ = [*step[8:].split("|"), ""]
            return _substitute(text, pattern, new) if pattern and new else text
    except re.error:
        pass
    return text
