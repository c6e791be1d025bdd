from __future__ import annotations

import pytest

from crawler.environment import Environment


@pytest.fixture
def environment(tmp_path):
    def made(dotenv="", **variables):
        (tmp_path / ".env").write_text(dotenv)
        return Environment(variables, dotenv=tmp_path / ".env")

    return made


def test_what_the_environment_says_wins_over_the_file_and_the_file_over_the_default(environment):
    env = environment("A=file\nB='of the file'\nD\n", A="environment")
    assert [env.text(name, "default") for name in "ABCD"] == ["environment", "of the file", "default", "default"]


def test_a_value_that_is_empty_is_no_missing_one(environment):
    assert environment(A="").text("A", "default") == ""


def test_a_value_may_lie_in_a_file_without_the_line_end_that_editors_add(environment, tmp_path):
    (tmp_path / "secret").write_text(" s3cret\n")
    assert environment(A="other", A_FILE=str(tmp_path / "secret")).text("A") == "s3cret"
    assert environment(f"A_FILE={tmp_path / 'secret'}").text("A") == "s3cret"


def test_files_are_heeded_only_where_they_are_to_be(tmp_path):
    env = Environment({"A": "value", "A_FILE": str(tmp_path / "none")}, dotenv=tmp_path / ".env", files=False)
    assert env.text("A") == "value"


@pytest.mark.parametrize("name", ["none", "."])
def test_a_file_that_cannot_be_read_is_named_by_its_variable(environment, tmp_path, name):
    with pytest.raises(ValueError, match="The value of A_FILE must be a readable file path"):
        environment(A_FILE=str(tmp_path / name)).text("A")


@pytest.mark.parametrize("text", ["true", "TRUE", "1", "yes", "On"])
def test_yes_is_written_in_many_ways(environment, text):
    assert environment(A=text).flag("A", default=False)


@pytest.mark.parametrize("text", ["false", "0", "No", "off"])
def test_so_is_no(environment, text):
    assert not environment(A=text).flag("A", default=True)


def test_without_a_value_the_default_holds_whatever_its_type(environment):
    assert environment().flag("A", default=True)
    assert environment().number("A", 7) == 7
    assert environment(A="12").number("A", 7) == 12


@pytest.mark.parametrize("text", ["", "perhaps", "2"])
def test_what_is_neither_yes_nor_no_is_refused_with_its_name(environment, text):
    with pytest.raises(ValueError, match='"A" invalid: Not a valid boolean'):
        environment(A=text).flag("A", default=True)


@pytest.mark.parametrize("text", ["", "1.5", "many"])
def test_what_is_no_whole_number_is_refused_with_its_name(environment, text):
    with pytest.raises(ValueError, match='"A" invalid: Not a valid integer'):
        environment(A=text).number("A", 1)
