"""Log records beside a progress line: few, safe, and all of them in a file if one is named."""

import io
import logging

import pytest
from rich.console import Console

from crawler.cli.logs import MAX_LINES, shown_logs

logger = logging.getLogger("crawler.somewhere")


@pytest.fixture
def to():
    return Console(file=io.StringIO(), width=80)


def test_records_below_the_level_are_not_shown(to):
    with shown_logs(to, level=logging.WARNING, file=None):
        logger.info("quiet")
        logger.warning("loud")
    assert to.file.getvalue() == "warning: loud\n"


def test_a_record_is_one_line_without_escape_sequences_and_without_a_traceback(to):
    with shown_logs(to, level=logging.WARNING, file=None):
        logger.error("page\nfailed", exc_info=ValueError("bad \x1b[31mvalue"))
    assert to.file.getvalue() == "error: page ... (ValueError: bad \\x1b[31mvalue)\n"


def test_a_flood_of_records_is_cut_and_counted(to, capsys):
    with shown_logs(to, level=logging.WARNING, file=None):
        for number in range(MAX_LINES + 5):
            logger.warning("page %d", number)
    assert len(to.file.getvalue().splitlines()) == MAX_LINES
    assert "5 more messages; --log-file FILE keeps them all" in capsys.readouterr().err


def test_a_file_gets_all_of_them_and_the_terminal_none(to, tmp_path):
    path = tmp_path / "crawl.log"
    with shown_logs(to, level=logging.INFO, file=path):
        for number in range(MAX_LINES + 5):
            logger.info("page %d", number)
    assert len(path.read_text(encoding="utf-8").splitlines()) == MAX_LINES + 5
    assert to.file.getvalue() == ""


def test_the_summary_is_left_to_the_command(to):
    with shown_logs(to, level=logging.INFO, file=None):
        logging.getLogger("crawler.extensions.summary").warning("books: partial")
    assert to.file.getvalue() == ""


def test_the_root_logger_is_left_as_it_was(to):
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with shown_logs(to, level=logging.DEBUG, file=None):
        pass
    assert (root.level, list(root.handlers)) == before
