"""Options of products: every way in which pages write them, and values of variations that are always among them."""

from __future__ import annotations

import pytest

from crawler.exports.profiles.options import Option, Options

COLOUR = {"name": "Colour", "key": "attribute_pa_colour", "values": ["Dark Oak", "Ash"], "keys": ["dark-oak", "ash-2"]}


@pytest.mark.parametrize(
    "written",
    [
        {"attribute_pa_colour": "ash-2"},
        {"pa_colour": "Ash"},
        {"Colour": "ash"},
        {"colour": "ASH"},
        [{"name": "Colour", "value": "Ash"}],
        ["Ash"],
    ],
)
def test_a_value_is_found_in_whatever_words_the_variation_says_it(written):
    assert Options([COLOUR]).chosen(written) == {"Colour": "Ash"}


def test_values_that_only_look_alike_stay_apart():
    options = Options([{"name": "Size", "values": ["A", "A+"]}])
    assert [options.chosen({"size": value})["Size"] for value in ("A", "A+", "a", "A++")] == ["A", "A+", "A", "A++"]
    assert options.all()[0].values == ("A", "A+", "A++")


def test_an_option_and_a_value_that_the_page_does_not_list_are_added():
    options = Options([COLOUR])
    assert options.chosen({"attribute_%d7%9e%d7%99%d7%93%d7%94": "גדול", "Colour": "Teak"}) == {
        "מידה": "גדול",
        "Colour": "Teak",
    }
    assert options.all() == (
        Option(name="Colour", values=("Dark Oak", "Ash", "Teak"), varies=True),
        Option(name="מידה", values=("גדול",), varies=True),
    )


def test_an_empty_value_means_any():
    options = Options([COLOUR])
    assert options.chosen({"attribute_pa_colour": ""}) == {"Colour": ""}
    assert options.all()[0].varies


@pytest.mark.parametrize("written", [{"attribute_color": "Red", "color": ""}, {"color": "", "attribute_color": "Red"}])
def test_of_two_keys_of_an_option_the_one_with_a_value_counts(written):
    assert list(Options().chosen(written).values()) == ["Red"]


def test_values_in_order_are_those_of_the_first_group():
    options = Options(None, {"Weight": "1kg"})
    assert options.chosen(["Red"]) == {}
    assert [(one.name, one.values, one.varies) for one in options.all()] == [("Weight", ("1kg",), False)]
    options = Options([COLOUR], {"Weight": "1kg"})
    assert options.chosen(["Ash", "Red"]) == {"Colour": "Ash"}


def test_names_that_only_look_alike_stay_apart():
    options = Options([{"name": "C++", "value": "11"}, {"name": "C", "value": "89"}, {"name": "c", "value": "0"}])
    assert options.chosen({"C": "99", "C++": "17"}) == {"C": "99", "C++": "17"}
    assert options.chosen({"attribute_c": "89"}) == {"C": "89"}
    assert [(one.name, one.values) for one in options.all()] == [("C++", ("11", "17")), ("C", ("89", "99"))]
    assert Options().chosen({"C++": "1", "C": "2"}) == {"C++": "1", "C": "2"}


def test_a_name_of_a_form_or_of_another_list_is_that_of_people():
    options = Options([{"name": "Size (EU)"}, {"name": "size-eu"}, {"name": "Size (EU):"}], {"Size - EU": "1"})
    assert options.chosen({"Size EU": "40", "attribute_pa_size-eu": "41"}) == {"Size (EU)": "41"}
    assert [one.name for one in options.all()] == ["Size (EU)"]


def test_what_does_not_vary_and_what_is_hidden_is_said_and_a_repeated_option_counts_once():
    found = Options([COLOUR], [{"name": "colour", "values": ["Dark Oak, Ash"]}, {"name": "Wood", "value": "Oak"}]).all()
    assert [(one.name, one.values, one.varies) for one in found] == [
        ("Colour", ("Dark Oak", "Ash"), False),
        ("Wood", ("Oak",), False),
    ]
    (hidden,) = Options([{"name": "Code", "value": 7, "visible": False}]).all()
    assert (hidden.values, hidden.visible) == (("7",), False)


def test_the_default_may_be_said_in_the_words_of_the_form():
    (option,) = Options([{**COLOUR, "default": "dark-oak"}]).all()
    assert option.default == "Dark Oak"


def test_a_map_of_names_and_values_is_read_too():
    (option,) = Options({"Wood": ["Oak", "Ash"]}).all()
    assert option == Option(name="Wood", values=("Oak", "Ash"))


@pytest.mark.parametrize("junk", [None, 7, "x", ["x"], [{"values": ["x"]}], [{"name": {}}], [{"name": "x"}]])
def test_junk_is_no_option(junk):
    options = Options(junk)
    options.chosen(junk)
    assert [option for option in options.all() if not option.varies] == []
