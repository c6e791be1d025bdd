"""Nodes: which is found, which of several, and the one form that they are brought to."""

import json

import pytest

from crawler.recipe.linked_data import MAX_REFERENCED, nodes_of, own_first, tidied

SHOP = "https://shop.test"


def names(nodes):
    return [node.get("name") for node in nodes]


def only(node, *others):
    return tidied([node], [node, *others])[0]


# --- finding ---


def test_nodes_are_found_in_lists_in_graphs_and_by_any_form_of_their_type():
    tops = [
        {"@type": "Organization", "name": "shop"},
        [{"@type": "Product", "name": "a"}, {"@type": ["Thing", "https://schema.org/Product"], "name": "b"}],
        {"@context": "x", "@graph": [{"@type": "schema:Product", "name": "c"}, [{"@type": "product", "name": "d"}]]},
    ]
    assert names(nodes_of(tops, "Product")) == ["a", "b", "c", "d"]


def test_kinds_of_a_type_count_and_other_types_do_not():
    tops = [
        {"@type": "Car", "name": "car"},
        {"@type": "Offer", "name": "offer"},
        {"@type": 7},
        {"name": "none"},
        "text",
    ]
    assert names(nodes_of(tops, "Product")) == ["car"]
    assert nodes_of(tops, "Book") == []


def test_a_node_inside_another_counts_only_where_no_outer_one_does():
    inner = {"@type": "Product", "name": "related"}
    outer = {"@type": "Product", "name": "own", "isRelatedTo": [inner]}
    assert names(nodes_of([outer], "Product")) == ["own"]
    page = {
        "@type": "ItemPage",
        "mainEntity": {"@type": "ItemList", "itemListElement": [{"item": inner}, {"item": outer}]},
    }
    assert names(nodes_of([page], "Product")) == ["related", "own"]


def test_types_of_other_vocabularies_are_whole_addresses():
    type_ = "http://purl.org/goodrelations/v1#Offering"
    assert len(nodes_of([{"@type": type_}, {"@type": "Offering"}], type_)) == 1


@pytest.mark.parametrize(
    "key",
    [{"url": "/p/2"}, {"@id": "https://www.shop.test/p/2/#product"}, {"mainEntityOfPage": {"@id": f"{SHOP}/p/2"}}],
)
def test_the_node_of_the_page_comes_first(key):
    nodes = [{"name": "a", "url": "/p/1"}, {"name": "b", **key}, {"name": "c"}]
    assert names(own_first(nodes, [f"{SHOP}/p/2"])) == ["b", "a", "c"]


def test_an_address_with_its_query_is_nearer_than_one_without():
    nodes = [{"name": "any", "url": "/p"}, {"name": "red", "url": "/p?v=red"}]
    assert names(own_first(nodes, [f"{SHOP}/p?v=red"])) == ["red", "any"]
    assert names(own_first(nodes, [f"{SHOP}/p?v=blue"])) == ["any", "red"]
    assert names(own_first(nodes, [f"{SHOP}/q"])) == ["any", "red"]


@pytest.mark.parametrize("url", [None, 5, [], {"@id": 3}, "", "http://[", "mailto:x@y", "x" * 100])
def test_addresses_that_are_none_choose_nothing(url):
    nodes = [{"name": "a", "url": url}, {"name": "b", "@id": url}]
    assert names(own_first(nodes, ["http://shop.test/", ""])) == ["a", "b"]


# --- one form ---


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ({"offers": {"price": 1}}, {"offers": [{"price": 1}]}),
        ({"offers": [{"price": 1}]}, {"offers": [{"price": 1}]}),
        ({"offers": None}, {"offers": []}),
        ({"offers": {"offers": {"price": 1}}}, {"offers": [{"offers": [{"price": 1}]}]}),
        ({"image": "a.jpg"}, {"image": ["a.jpg"]}),
        ({"image": {"url": "a.jpg"}}, {"image": ["a.jpg"]}),
        ({"image": {"contentUrl": "a.jpg"}}, {"image": ["a.jpg"]}),
        ({"image": {"@id": "https://shop.test/a.jpg"}}, {"image": ["https://shop.test/a.jpg"]}),
        ({"image": ["a.jpg", {"url": ["b.jpg", " "]}, 7, None]}, {"image": ["a.jpg", "b.jpg"]}),
        ({"image": None}, {"image": []}),
        ({"brand": "Acme"}, {"brand": "Acme"}),
        ({"brand": {"name": "Acme"}}, {"brand": "Acme"}),
        ({"brand": [{"logo": "x"}, {"name": {"@value": "Acme"}}]}, {"brand": "Acme"}),
        ({"brand": {"logo": "x"}}, {"brand": None}),
        ({"availability": "http://schema.org/InStock"}, {"availability": "InStock"}),
        ({"availability": {"@id": "schema:InStock"}}, {"availability": "InStock"}),
        ({"dayOfWeek": ["https://schema.org/Monday", "Friday"]}, {"dayOfWeek": ["Monday", "Friday"]}),
        ({"url": "https://schema.org/Product"}, {"url": "https://schema.org/Product"}),
        ({"@type": ["http://schema.org/Product"]}, {"@type": ["Product"]}),
        ({"http://schema.org/name": "x", "schema:sku": "y"}, {"name": "x", "sku": "y"}),
        ({"name": "x", "schema:name": "y"}, {"name": "x"}),
        ({"schema:name": "y", "name": "x"}, {"name": "x"}),
        ({"name": {"@value": "x", "@language": "en"}}, {"name": "x"}),
        ({"name": {"@list": ["x", {"@value": 2}]}}, {"name": ["x", 2]}),
        ({"price": 5, "sold": True, "gone": None}, {"price": 5, "sold": True, "gone": None}),
    ],
)
def test_nodes_are_brought_to_one_form(written, form):
    before = json.dumps(written)
    assert only(written) == form
    assert json.dumps(written) == before


def test_what_a_node_only_names_is_put_in_its_place_once():
    brand = {"@id": "#b", "name": "Acme", "owner": {"@id": "#o"}}
    owner = {"@id": "#o", "name": "Holding", "brand": {"@id": "#b"}}
    node = {"brand": {"@id": "#b"}, "seller": {"@id": "#o"}, "maker": {"@id": "#unknown"}}
    assert only(node, {"@graph": [brand, owner]}) == {
        "brand": "Acme",
        "seller": {"@id": "#o", "name": "Holding", "brand": None},
        "maker": {"@id": "#unknown"},
    }


def test_nodes_that_name_a_large_one_a_thousand_times_are_no_thousand_times_as_large():
    large = {"@id": "#l", "text": "x" * 100_000}
    made = only({"a": [{"@id": "#l"}] * 1_000}, large)
    assert len(json.dumps(made)) < 2 * MAX_REFERENCED


def test_nodes_that_name_each_other_end():
    a, b = {"@id": "#a", "b": {"@id": "#b"}}, {"@id": "#b", "a": {"@id": "#a"}}
    assert only(a, b) == {"@id": "#a", "b": {"@id": "#b", "a": {"@id": "#a"}}}


def test_nodes_as_deep_as_json_may_be_are_read():
    value = {"name": "x"}
    for _ in range(49):
        value = {"offers": [value]}
    assert only(value, value)["offers"]
    assert names(nodes_of([{"@type": "Thing", "name": "top", "x": value}], "Thing")) == ["top"]
