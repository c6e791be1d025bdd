"""Validation of the replaced system as a contract."""

from old_recipes import HEAD, recipe_of


def test_validation_that_never_ran_is_the_contract():
    recipe, findings = recipe_of(
        HEAD + "selectors: {title: h1, sku: .sku, price: .p, description: .d, images: .g img, productLinks: .p a}\n"
        "validation: {requiredFields: [title, images], skuFormat: '^\\\\d+$',\n"
        "  minDescriptionLength: 10, maxTitleLength: 90}\n"
    )
    fields = recipe["items"]["product"]["fields"]
    assert fields["name"] == {"type": "string", "required": True, "max_length": 90}
    assert fields["images"]["required"] is True
    assert fields["images"]["min_items"] == 1
    assert fields["description"] == {"type": "string", "min_length": 10}
    assert fields["sku"]["pattern"] == r"^\d+$"
    assert "its backslashes were there twice" in str(findings[2])
