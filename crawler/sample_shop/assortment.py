"""What the sample shop's products are made of: categories, words, brands, and names that break careless exports.

Constants only. Every text of a category can be written in that category's encoding, which a test checks.
"""

# ruff: noqa: RUF001 - typographic quotes and dashes are what names in real shops hold

from __future__ import annotations

from typing import Final

from crawler.sample_shop.model import Axis, Category, Language

_COLOURS: Final = Axis(name="Colour", options=("Oak", "Black", "White", "Forest green", "Rust"))
_SIZES: Final = Axis(name="Size", options=("S", "M", "L", "XL"))

CATEGORIES: Final[tuple[Category, ...]] = (
    Category(slug="furniture", name="Furniture", path="/c/furniture/", sku_prefix="FUR"),
    Category(
        slug="chairs",
        name="Chairs",
        path="/c/furniture/chairs/",
        sku_prefix="CHA",
        parent="furniture",
        price_range=(49, 1400),
        adjectives=("Folding", "Dining", "Stacking", "Upholstered", "Rocking", "Swivel", "Windsor", "Cantilever"),
        nouns=("chair", "armchair", "stool", "bench", "recliner", "bar stool"),
        axes=(Axis(name="Colour", options=("Oak", "Black", "White")), Axis(name="Seat", options=("Cane", "Leather"))),
        variable_share=0.4,
    ),
    Category(
        slug="tables",
        name="Tables",
        path="/c/furniture/tables/",
        sku_prefix="TAB",
        parent="furniture",
        paging="query",
        price_range=(89, 2600),
        adjectives=("Round", "Extending", "Low", "Trestle", "Marble", "Walnut", "Nesting", "Standing"),
        nouns=("table", "desk", "side table", "console", "workbench", "night stand"),
        axes=(Axis(name="Width", options=("80 cm", "120 cm", "160 cm")),),
        variable_share=0.3,
    ),
    Category(
        slug="lighting",
        name="Lighting & Lamps",
        path="/c/lighting/",
        sku_prefix="LGT",
        paging="query",
        price_range=(12, 420),
        adjectives=("Brass", "Paper", "Smoked glass", "Adjustable", "Wall", "Industrial", "Dimmable", "Solar"),
        nouns=("lamp", "pendant", "lantern", "spotlight", "chandelier", "reading light"),
        axes=(Axis(name="Finish", options=("Brass", "Chrome", "Matt black")),),
        variable_share=0.25,
    ),
    Category(
        slug="kitchen",
        name="Kitchen",
        path="/c/kitchen/",
        sku_prefix="KIT",
        paging="base",
        price_range=(4, 260),
        adjectives=("Cast-iron", "Copper", "Enamel", "Bamboo", "Stainless", "Ceramic", "Non-stick", "Japanese"),
        nouns=("pan", "knife", "kettle", "chopping board", "whisk", "casserole"),
    ),
    Category(
        slug="cups",
        name="Cups & Glasses",
        path="/c/kitchen/cups/",
        sku_prefix="CUP",
        parent="kitchen",
        price_range=(3, 45),
        adjectives=("Speckled", "Double-walled", "Hand-thrown", "Tall", "Espresso", "Crystal", "Enamelled", "Ribbed"),
        nouns=("mug", "cup", "tumbler", "wine glass", "carafe", "teapot"),
        axes=(_COLOURS,),
        variable_share=0.3,
    ),
    Category(slug="clothing", name="Clothing", path="/c/clothing/", sku_prefix="CLO"),
    Category(
        slug="shirts",
        name="Shirts",
        path="/c/clothing/shirts/",
        sku_prefix="SHI",
        parent="clothing",
        price_range=(15, 120),
        adjectives=("Linen", "Flannel", "Oxford", "Organic cotton", "Striped", "Denim", "Merino", "Boxy"),
        nouns=("shirt", "blouse", "polo", "overshirt", "T-shirt", "tunic"),
        axes=(_SIZES, Axis(name="Colour", options=("Navy", "Ecru", "Rust"))),
        variable_share=1.0,
    ),
    Category(
        slug="shoes",
        name="Shoes",
        path="/c/clothing/shoes/",
        sku_prefix="SHO",
        parent="clothing",
        paging="folder",
        price_range=(35, 320),
        adjectives=("Trail", "Suede", "Canvas", "Waterproof", "Vegan", "Winter", "Slip-on", "Classic"),
        nouns=("boots", "sneakers", "loafers", "sandals", "clogs", "slippers"),
        axes=(Axis(name="Size", options=("38", "39", "40", "41", "42", "43")),),
        variable_share=1.0,
    ),
    Category(
        slug="garden",
        name="Garden",
        path="/c/garden/",
        sku_prefix="GAR",
        paging="folder",
        price_range=(3, 640),
        adjectives=("Galvanised", "Terracotta", "Telescopic", "Self-watering", "Heavy-duty", "Cordless", "Cedar"),
        nouns=("watering can", "planter", "spade", "hose", "bird house", "pruner", "hammock"),
    ),
    Category(
        slug="stationery",
        name="Stationery",
        path="/c/stationery/",
        sku_prefix="00",
        encoding="bom",
        price_range=(1, 60),
        adjectives=("Dotted", "Recycled", "Leather-bound", "Pocket", "Refillable", "Letterpress", "Pastel"),
        nouns=("notebook", "fountain pen", "pencil case", "calendar", "envelope set", "ruler"),
        axes=(Axis(name="Ruling", options=("Plain", "Lined", "Dotted")),),
        variable_share=0.2,
    ),
    Category(
        slug="maison",
        name="Maison & Décoration",
        path="/c/maison/",
        sku_prefix="MAI",
        language="fr",
        encoding="meta",
        price_range=(9, 1900),
        adjectives=("en chêne", "à l’ancienne", "brodé", "d’été", "en grès émaillé", "naïf", "pour l’entrée"),
        nouns=("Miroir", "Tapis", "Vase", "Coussin", "Panier", "Rideau", "Cœur décoratif"),
    ),
    Category(
        slug="sfarim",
        name="ספרים",
        path="/c/sfarim/",
        sku_prefix="SFR",
        language="he",
        currency="ILS",
        encoding="header",
        paging="query",
        price_range=(29, 190),
        adjectives=("הגדול", "השלם", "הסודי", "לילדים", "המאויר", "האחרון", "החדש"),
        nouns=("ספר הבישול", "האטלס", "המדריך", "המילון", "סיפור האהבה", "יומן המסע"),
    ),
    Category(
        slug="toys",
        name="Toys & Games",
        path="/c/toys/",
        sku_prefix="TOY",
        price_range=(4, 150),
        adjectives=("Wooden", "Magnetic", "Giant", "Glow-in-the-dark", "Travel", "Musical", "Plush"),
        nouns=("puzzle", "train set", "dice", "kite", "marble run", "board game", "robot"),
    ),
    Category(
        slug="outdoor",
        name="Outdoor",
        path="/c/outdoor/",
        sku_prefix="OUT",
        price_range=(8, 780),
        adjectives=("Ultralight", "Two-person", "Insulated", "Alpine", "Packable", "All-weather", "Titanium"),
        nouns=("tent", "sleeping bag", "rucksack", "camping stove", "flask", "head torch"),
        axes=(Axis(name="Volume", options=("35 l", "50 l", "65 l")),),
        variable_share=0.2,
    ),
    Category(
        slug="outlet",
        name="Outlet",
        path="/c/outlet/",
        sku_prefix="OLT",
        currency="GBP",
        paging="query",
        price_range=(2, 95),
        adjectives=("Returned", "Ex-display", "Last-season", "Refurbished", "Unboxed", "Overstock"),
        nouns=("radio", "cushion", "clock", "picture frame", "umbrella", "suitcase", "scale"),
    ),
    Category(
        slug="club",
        name="Members' Club",
        path="/club/",
        sku_prefix="CLB",
        currency="USD",
        paging="query",
        price_range=(99, 4900),
        adjectives=("Limited", "Signed", "Numbered", "Anniversary", "Prototype", "Collector's"),
        nouns=("print", "watch", "turntable", "espresso machine", "fountain pen", "globe"),
    ),
)

#: Names that careless code gets wrong, by category: quotes, commas, formulas, markup, scripts, long, not in NFC.
AWKWARD_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "chairs": (
        'The "Captain\'s" chair, oak & leather',
        "Chair; set of 2, black",
        "Kids’ chair – “Fjäll”",
    ),
    "tables": ("Table <120 cm, but > 80 cm>", "Desk 5' 11\" & shelf"),
    "lighting": ("Лампа «Север»", "-40° freezer lamp", 'Lamp "=1+1"'),
    "kitchen": ("Cafe\u0301 filter No. 4", "和包丁 (santoku)", "Knife / sharpener | combo"),
    "cups": ("Mug 😀☕ “Good morning”", "@home mug", "+1 wine glass"),
    "shirts": ("O'Brien shirt", "Πουκάμισο, λευκό"),
    "garden": ("قلة ماء للحديقة", "=SUM(A1:A9) garden sign", "Hose 25 m, 3/4\" 'Pro'"),
    "stationery": ("-- ruler --", "Zażółć notebook", "0012"),
    "maison": ("L’Œuvre, façon “atelier”", "Plaque n° 7 – été/hiver"),
    "sfarim": ('מילון עברי-אנגלי, "אוקספורד"', "ג'ירפה בגן החיות", "הארי פוטר (מהדורה מיוחדת)"),
    "toys": (
        "🎲 Dice tower 🏰",
        "कठपुतली puppet",
        "=cmd|' /C calc'!A0",
        (
            "The very long name of a game about people who name games, in which every player in turn adds a word to "
            "the name of the game until somebody can no longer say it in one breath"
        ),
    ),
    "outlet": ("-20 % clock", "TRUE", "1e3 radio"),
    "club": ("Globe\xa0No.\xa01", "Comma, the print"),
}

BRANDS: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("Nordvik", "Hearth & Hand", "O'Malley's", "Kumo", "Brightwater", "Åsgård", "Polder", "Quill & Co."),
    "fr": ("Maison Lefèvre", "Côté Sud", "L’Atelier", "Béranger"),
    "he": ("עם עובד", "כתר", "זמורה-ביתן", "מודן"),
}

MATERIALS: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("Oak", "Steel", "Linen", "Recycled plastic", "Brass", "Wool, undyed", "Cork"),
    "fr": ("Chêne", "Grès", "Lin lavé", "Métal émaillé"),
    "he": ("כריכה קשה", "כריכה רכה", "מהדורת כיס"),
}

COUNTRIES: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("Denmark", "Portugal", "Japan", "Côte d'Ivoire", "Israel"),
    "fr": ("France", "Belgique", "Sénégal"),
    "he": ("ישראל", "ירושלים"),
}

SENTENCES: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "Made in small batches by people who use it themselves.",
        "It ages well: scratches are part of the deal & can be sanded out.",
        "Fits through every door we have tried, including the narrow one in the hall.",
        'Our customers call it "the last one you will buy"; we call it solid.',
        "Comes flat-packed, with an Allen key and honest instructions.",
        "Wipe with a damp cloth. Do not soak, do not microwave, do not lend to neighbours.",
        "The finish is food-safe and free of solvents.",
        "Weighs less than it looks, holds more than you'd think.",
        "Tested for 50,000 cycles, which is 27 years of daily use.",
        "Delivered at 20° or -5°: it does not mind.",
        "Spare parts are sold one by one, as they should be.",
        "Prices < 5 of whatever you expected.",
    ),
    "fr": (
        "Fabriqué à la main dans un petit atelier près de Nîmes.",
        "Un objet simple, conçu pour durer : réparable et sans colle.",
        "Les couleurs peuvent varier légèrement d’une pièce à l’autre.",
        "Idéal pour l’entrée, le séjour ou la chambre d’amis.",
        "Nettoyer à l’eau tiède ; éviter les produits abrasifs.",
        "Livré dans un emballage recyclé… et recyclable.",
    ),
    "he": (
        "מהדורה חדשה ומעודכנת, עם הקדמה מאת המחבר.",
        'ספר שכל בית צריך, כך נכתב ב"הארץ".',
        "מתאים לגילאי 8 עד 99.",
        "הדפסה על נייר ללא חומצה, כריכה תפורה.",
        "כולל מפות, איורים ומפתח עניינים.",
        "זוכה פרס הקוראים לשנת 2024.",
    ),
}

FEATURES: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("Two-year warranty", "FSC-certified", "Dishwasher-safe", "Ships in 24 h", "Tools & screws included"),
    "fr": ("Garantie 2 ans", "Fait main", "Certifié FSC", "Expédié sous 24 h"),
    "he": ("אחריות לשנתיים", "משלוח מהיר", "עטיפת מתנה"),
}

REVIEWERS: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("Maya", "T. O'Connor", "Björn", "Priya", "anonymous", "Li Wei"),
    "fr": ("Zoé", "François", "Anaïs"),
    "he": ("נועה", "יוסי", "דנה"),
}

REVIEWS: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "Exactly as described. Price was fair, too: paid 10.00 less than elsewhere.",
        "Arrived late but well packed.",
        "Bought two. Then two more.",
        "The colour is warmer than in the pictures, which I like.",
        "Not for me; returned without any trouble.",
    ),
    "fr": ("Très bel objet, conforme à la photo.", "Un peu cher, mais quelle qualité !", "Déçue par la couleur."),
    "he": ("מומלץ בחום!", "הגיע מהר, ארוז היטב.", "קצת יקר, אבל שווה."),
}

ATTRIBUTE_NAMES: Final[dict[Language, tuple[str, str]]] = {
    "en": ("Material", "Made in"),
    "fr": ("Matière", "Fabriqué en"),
    "he": ("סוג כריכה", "ארץ"),
}
