"""Numbers and prices exactly as the page writes them, and nothing where there are two ways to read them."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from price_parser import Price

from crawler.recipe.steps import StepError, StepFailed, build_step


def read(name, argument, value):
    return build_step(name, *argument).apply(value, base_url="")


PLAIN = ()
COMMA = ({"decimal": ","},)
POINT = ({"decimal": "."},)


@pytest.mark.parametrize(
    ("argument", "text", "amount"),
    [
        (PLAIN, "£51.77", "51.77"),
        (PLAIN, "1290.00", "1290.00"),
        (PLAIN, "1,290.00 ILS", "1290.00"),
        (PLAIN, "1.234,56 €", "1234.56"),
        (PLAIN, "$1,234.56", "1234.56"),
        (PLAIN, "1,234", "1234"),
        (PLAIN, "1.234", "1234"),
        (PLAIN, "1.234.567", "1234567"),
        (PLAIN, "0.999", "0.999"),
        (PLAIN, "1234.567", "1234.567"),
        (PLAIN, "12,5", "12.5"),
        (PLAIN, "1,23,456.50", "123456.50"),
        (PLAIN, "1\N{NO-BREAK SPACE}234,56", "1234.56"),
        (PLAIN, "1\N{THIN SPACE}234,56 zł", "1234.56"),
        (PLAIN, "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567,89", "1234567.89"),
        (PLAIN, "CHF 1'290.50", "1290.50"),
        (PLAIN, "CHF 1\N{RIGHT SINGLE QUOTATION MARK}290.\N{EN DASH}", "1290"),
        (PLAIN, "12,-", "12"),
        (PLAIN, "\u200f1,234.56\u200f ₪", "1234.56"),
        (PLAIN, "\u202a₪\u202c\u200e89.90", "89.90"),
        (PLAIN, "١٬٢٣٤٫٥٠ ر.س", "1234.50"),
        (PLAIN, "$.75", "0.75"),
        (PLAIN, "35€99", "35.99"),
        (PLAIN, "-5.00", "-5.00"),
        (PLAIN, "\N{MINUS SIGN}5.00 €", "-5.00"),
        (PLAIN, "-$5.00", "-5.00"),
        (PLAIN, "$-5.00", "-5.00"),
        (PLAIN, "EUR -5.00", "-5.00"),
        (PLAIN, "Discount: -2.00", "-2.00"),
        (PLAIN, "SKU-5", "5"),
        (PLAIN, "Rs.500", "500"),
        (PLAIN, "Rs.1,999.50", "1999.50"),
        (PLAIN, "10 000 kr", "10000"),
        (PLAIN, "12 345 678", "12345678"),
        (PLAIN, "999 000", "999000"),
        (PLAIN, "129\N{NO-BREAK SPACE}990 kr", "129990"),
        (({"which": "lowest"},), "200 100", "100"),
        (PLAIN, "20% off: 5.00", "5.00"),
        (PLAIN, "5.00 incl. 19,5 % VAT", "5.00"),
        (PLAIN, "£51.77 £51.77", "51.77"),
        (PLAIN, "0", "0"),
        (COMMA, "1.234", "1234"),
        (COMMA, "1,234", "1.234"),
        (POINT, "1.234", "1.234"),
        (POINT, "1,234", "1234"),
        (COMMA, "1.234,567", "1234.567"),
        (({"which": "first"},), "10.00 8.00", "10.00"),
        (({"which": "last"},), "10.00 8.00", "8.00"),
        (({"which": "lowest"},), "€10 - €20", "10"),
        (({"which": "highest"},), "10-20", "20"),
        (({"free": 0},), "Free!", "0"),
        (({"free": 0},), " GRATIS ", "0"),
        (({"free": 0},), "חינם", "0"),
        (({"free": 0},), "0.00 (free)", "0.00"),
    ],
)
def test_price_finds_the_one_amount_with_its_decimals(argument, text, amount):
    result = read("price", argument, text)
    assert type(result) is Decimal
    assert str(result) == amount


@pytest.mark.parametrize(("value", "amount"), [(5, "5"), (Decimal("19.90"), "19.90"), (19.9, "19.9")])
def test_price_takes_a_number_as_it_is(value, amount):
    assert str(read("price", PLAIN, value)) == amount


@pytest.mark.parametrize(
    ("argument", "text", "message"),
    [
        (PLAIN, "was £10.00 now £8.00", "more than one amount in 'was £10.00 now £8.00': 10.00, 8.00"),
        (PLAIN, "10-20", "more than one"),
        (PLAIN, "2 for $5", "more than one"),
        (PLAIN, "35€ 99", "more than one"),
        (PLAIN, "1999 250", "more than one"),
        (PLAIN, "200 150", "more than one amount in '200 150': 200, 150"),
        (PLAIN, "1\n234", "more than one"),
        (PLAIN, "2 500 2 900", "more than one"),
        (PLAIN, "99 € 79 €", "more than one"),
        (PLAIN, "12.34.56", "not written like an amount"),
        (PLAIN, "1.5.2024", "not written like an amount"),
        (COMMA, "1.23", "not written like an amount"),
        (POINT, "1,23", "not written like an amount"),
        (PLAIN, "1,234,56", "not written like an amount"),
        (PLAIN, "Free", "`price: {free: 0}`"),
        (PLAIN, "Free shipping", "no amount"),
        (({"free": 0},), "Free shipping", "no amount"),
        (PLAIN, "50%", "no amount"),
        (PLAIN, "call us", "no amount"),
        (PLAIN, True, "no amount"),
        (PLAIN, "9" * 500, "too long"),
        (PLAIN, float("nan"), "needs a number"),
        (PLAIN, {"amount": 5}, "got an object"),
    ],
)
def test_price_fails_where_there_is_no_one_amount(argument, text, message):
    with pytest.raises(StepFailed) as failure:
        read("price", argument, text)
    assert message in str(failure.value)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("125 100 000 000,00", "125100000000.00"), ("125 100,-", "125100"), ("125 100,00 zł", "125100.00")],
)
def test_a_blank_before_decimals_or_a_further_group_only_groups(text, amount):
    assert read("price", PLAIN, text) == Decimal(amount)


@given(
    st.integers(min_value=0, max_value=10**12),
    st.integers(min_value=0, max_value=99),
    st.sampled_from(["{:,}.{:02}", "{:_}.{:02}", "{}.{:02}"]),
    st.sampled_from(["{}", "£{}", "{} €", "Price: {} zł", "\u200f{}\u200e ₪", "US$ {}", "{},-", "{} kr."]),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("\u202f", ","), ("'", ".")]),
)
def test_any_amount_in_any_common_notation_is_read_exactly(whole, cents, shape, around, marks):
    plain = shape.format(whole, cents).replace("_", ",")
    written = plain.translate({ord(","): marks[0], ord("."): marks[1]})
    if around == "{},-":
        written = written[:-3]
        if written.count(marks[0]) == 1 and marks[0] in ".," and not whole:
            return
    expected = Decimal(whole) if around == "{},-" else Decimal(f"{whole}.{cents:02}")
    assert read("price", PLAIN, around.format(written)) == expected


@pytest.mark.parametrize(
    ("name", "argument", "value", "number"),
    [
        ("number", PLAIN, "1,234.50", Decimal("1234.50")),
        ("number", PLAIN, "12.0", Decimal("12.0")),
        ("number", PLAIN, " \u200f-3 ", Decimal(-3)),
        ("number", PLAIN, "+3", Decimal(3)),
        ("number", PLAIN, ".5", Decimal("0.5")),
        ("number", PLAIN, 2.5, Decimal("2.5")),
        ("number", COMMA, "1.234,50", Decimal("1234.50")),
        ("number", COMMA, "1 234,5", Decimal("1234.5")),
        ("number", COMMA, "1.234", Decimal(1234)),
        ("integer", PLAIN, "1,234", 1234),
        ("integer", PLAIN, "12.0", 12),
        ("integer", PLAIN, "٣٤", 34),
        ("integer", PLAIN, 5, 5),
        ("integer", PLAIN, Decimal("5.0"), 5),
        ("integer", COMMA, "1.234", 1234),
    ],
)
def test_a_text_that_is_one_number_is_read(name, argument, value, number):
    result = read(name, argument, value)
    assert result == number
    assert type(result) is type(number)
    assert str(result) == str(number)


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("number", PLAIN, "12 pieces"),
        ("number", PLAIN, "1,5"),
        ("number", PLAIN, "0,123"),
        ("number", PLAIN, "1.234.567"),
        ("number", PLAIN, "1e5"),
        ("number", PLAIN, "5."),
        ("number", PLAIN, "--5"),
        ("number", PLAIN, "-"),
        ("number", PLAIN, "9" * 1000),
        ("number", PLAIN, True),
        ("number", PLAIN, ["1"]),
        ("number", COMMA, "1.5"),
        ("integer", PLAIN, "1.5"),
        ("integer", PLAIN, Decimal("1.5")),
        ("integer", PLAIN, "many"),
    ],
)
def test_a_text_that_is_not_one_number_fails(name, argument, value):
    with pytest.raises(StepFailed):
        read(name, argument, value)


@pytest.mark.parametrize(
    ("name", "argument", "message"),
    [
        ("price", {"which": "biggest"}, "must be one of first, last, lowest, highest"),
        ("price", {"which": None}, "must be one of"),
        ("price", {"free": "no"}, "must be a number"),
        ("price", {"decimal": ";"}, "must be one of"),
        ("price", "lowest", "takes a map"),
        ("number", {"decimal": "comma"}, "must be one of"),
        ("integer", ",", "takes a map"),
    ],
)
def test_a_wrong_option_is_refused(name, argument, message):
    with pytest.raises(StepError, match=message):
        build_step(name, argument)


@pytest.mark.parametrize("decimal", [None, ".", ","])
def test_a_plain_amount_is_what_price_parser_reads(decimal):
    dice = random.Random(11)
    run = build_step("price", {} if decimal is None else {"decimal": decimal}).run
    for _ in range(3_000):
        digits = "".join(dice.choice("0123456789") for _ in range(dice.randint(1, 12)))
        fraction = "".join(dice.choice("0123456789") for _ in range(dice.randint(0, 6)))
        text = f"{digits}.{fraction}" if fraction else digits
        groups = decimal == "," or (decimal is None and len(fraction) == 3)
        if not (fraction and groups):
            wanted = Price.fromstring(f"0{text}", decimal_separator=".").amount
            assert run(f"$ {text}", "") == wanted
            assert str(run(f"$ {text}", "")) == str(wanted)
