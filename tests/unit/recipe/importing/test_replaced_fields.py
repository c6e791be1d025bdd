"""Fields of the replaced system as rules."""

from old_recipes import HEAD, SELECTORS, recipe_of


def test_a_sale_price_is_what_is_paid_and_the_other_one_the_regular_price():
    recipe, findings = recipe_of(
        HEAD + "selectors: {title: h1, price: .was, salePrice: .now, images: img.g, productLinks: .p a}\n"
    )
    fields = recipe["pages"]["product"]["fields"]
    assert [rule["css"] for rule in fields["price"]] == [".now", ".was"]
    assert fields["regular_price"]["css"] == ".was"
    assert [finding.kind for finding in findings] == ["decide"]


def test_steps_of_one_attribute_are_applied_to_that_attribute_only():
    recipe, _ = recipe_of(
        HEAD + "selectors: {title: h1, price: .p, images: .g img, productLinks: .p a, attributes: .options}\n"
        "transforms: {attributes: {Pa Color: ['replace:Grey|Gray']}}\n"
    )
    rows = recipe["pages"]["product"]["fields"]["attributes"]
    assert rows["each"] == ".options select"
    own, others = rows["fields"]["values"]
    assert own["process"][1] == {"replace": {"pattern": "Grey", "with": "Gray"}}
    assert own["when"]["process"] == [{"regex": "(?i)^(?:attribute_)?(?:pa_)?Pa[-_ ]Color$"}]
    assert "when" not in others


def test_transforms_of_a_field_without_a_selector_are_told():
    _, findings = recipe_of(HEAD + SELECTORS + "transforms: {description: ['trim: ']}\n")
    assert [(finding.kind, finding.path) for finding in findings] == [("ignored", "transforms.description")]
