"""Words people use for colors, places, materials, seasons and styles, and what a designer hears in them.

Everything here is data. Colors are `#RRGGBB`. A word that is a color of its own ("navy") is in `COLORS`; a word that
brings several colors with it ("ocean") is in `SCENES`; a word that bends whatever colors there are ("calm") is in
`MOODS`. CSS color names not listed here come from `coloraide`; where CSS and everyday speech disagree (its "green"
is half dark, its "pink" nearly white), the everyday color is listed here and wins.
"""

from __future__ import annotations

from typing import NamedTuple


class Scene(NamedTuple):
    """A word with a palette of its own."""

    colors: tuple[str, ...]
    """Most typical first; at least one of them dark enough to be read on white."""
    nouns: tuple[str, str]
    """What a palette of this scene may be called: "Ocean" + "Tide"."""


class Mood(NamedTuple):
    """How a word bends a palette; words combine by multiplying `chroma` and adding the rest."""

    chroma: float = 1.0
    lift: float = 0.0
    """Added to the lightness of mid tones, in OKLCH units."""
    dark: int = 0
    """Votes for a dark ground (positive) or a light one (negative)."""
    restraint: int = 0
    """Votes for neutrals around few colors (positive) or for many colors (negative)."""
    warmth: int = 0
    """Votes for warm (positive) or cool (negative) neutrals and picked hues."""
    favors: tuple[str, ...] = ()
    """Schemes that come early for this mood."""
    adjective: str = ""
    """What a description may call such a palette."""


COLORS: dict[str, str] = {
    # the everyday basics
    "red": "#D0283A", "orange": "#EE7B2B", "yellow": "#F6C83C", "green": "#2A8C55", "blue": "#2160C4",
    "purple": "#6A3BA3", "violet": "#7145B8", "pink": "#F08CAE", "brown": "#7A4B2B", "gray": "#7F858C",
    "black": "#131416", "white": "#FFFFFF", "teal": "#12868A", "turquoise": "#2BB8AE", "cyan": "#16B4D6",
    "magenta": "#C81E82", "lime": "#A4CE2F", "gold": "#D2A63C", "silver": "#B9BFC6", "beige": "#EADFC8",
    # reds and pinks
    "crimson": "#B3132F", "scarlet": "#DB2B1C", "ruby": "#A3123F", "cherry": "#B81D3A", "burgundy": "#6E1A2D",
    "wine": "#6B1D36", "maroon": "#701C28", "oxblood": "#561A1E", "brick": "#A5402D", "rust": "#AE4A20",
    "vermilion": "#E2421F", "cardinal": "#B01B2E", "blush": "#F0C6C0", "rose": "#D9627F",
    "raspberry": "#B8215C",
    "fuchsia": "#D12C9A", "salmon": "#F28B75", "coral": "#F4745E", "watermelon": "#EF5B6C",
    "bubblegum": "#F79AC0",
    "mauve": "#A97A94", "dusty rose": "#C98F94", "rose gold": "#C98A7A", "cranberry": "#98203F",
    "peony": "#E37FA0",
    # oranges, yellows and browns
    "tangerine": "#F58529", "apricot": "#F7B27A", "peach": "#F9C2A0", "pumpkin": "#DC6B1E", "amber": "#EBA022",
    "terracotta": "#BF5E3E", "burnt orange": "#BB5419", "burnt sienna": "#A44E2A", "sienna": "#9A5330",
    "ochre": "#C18A2E", "mustard": "#D3A021", "saffron": "#F0AE24", "marigold": "#F0A51E", "honey": "#DE9C26",
    "lemon": "#F7DF4E", "butter": "#F8E7A4", "canary": "#FBE452", "sand": "#DCC6A0", "tan": "#CBA77C",
    "camel": "#BE935C", "caramel": "#B4702F", "cinnamon": "#9C5227", "copper": "#B4693A", "bronze": "#8F6632",
    "brass": "#B7933F", "khaki": "#B5A878", "taupe": "#8B7D71", "umber": "#5F4630", "mahogany": "#642B20",
    "chestnut": "#783F2A", "mocha": "#6C4B3B", "espresso": "#3A271F", "chocolate": "#4F2F20",
    "coffee": "#5B3D2B",
    "champagne": "#EBD9B7", "wheat": "#EBD5A3", "vanilla": "#F5E9C9", "clay": "#B16B4C", "sepia": "#6E4F34",
    # greens
    "mint": "#A4DEC3", "sage": "#9CAF91", "olive": "#6D7033", "moss": "#63793A", "emerald": "#0F8A5F",
    "jade": "#2B9C78", "fern": "#55894C", "forest green": "#235739", "hunter green": "#2A5037",
    "pine": "#24503F",
    "eucalyptus": "#7FA391", "pistachio": "#B5CF91", "avocado": "#6F8337", "pear": "#C2CB4C",
    "basil": "#477340",
    "seafoam": "#9FDAC4", "celadon": "#AFCBB1", "viridian": "#34806B", "chartreuse": "#C2DB36",
    "kelly": "#2E9E3F",
    "racing green": "#12432F", "bottle green": "#124A38", "army green": "#535B35", "matcha": "#A5B86E",
    # blues and cyans
    "navy": "#1B2A4F", "indigo": "#3B348B", "cobalt": "#1B49A8", "azure": "#2D8CE6", "sky": "#87C3EA",
    "sky blue": "#87C3EA", "baby blue": "#ABD2EE", "royal blue": "#2750C0", "sapphire": "#15429B",
    "denim": "#3F638F",
    "cerulean": "#2686BC", "aqua": "#45C8CD", "petrol": "#0E5866", "steel blue": "#47759E",
    "powder blue": "#B5D3E2",
    "midnight": "#171F3D", "midnight blue": "#18224B", "electric blue": "#1668FF", "periwinkle": "#8F9BE0",
    "ultramarine": "#2E35B0", "prussian": "#123A5A", "cornflower": "#6690DF", "slate": "#53616F",
    "electric pink": "#FF2E93",
    # purples
    "lavender": "#BBA8DE", "lilac": "#C8A7D6", "plum": "#6E2F60", "eggplant": "#45234F", "aubergine": "#45234F",
    "amethyst": "#8C5FC0", "orchid": "#BD6CC4", "grape": "#5E2F83", "mulberry": "#7C2756", "heather": "#9C88AE",
    # neutrals
    "cream": "#FAF2DF", "ivory": "#FBF7EA", "off white": "#F7F5F0", "eggshell": "#F1EADB", "pearl": "#F0EEE8",
    "bone": "#EAE3D2", "ecru": "#DCD2B8", "oatmeal": "#DDD0BA", "charcoal": "#2E3338", "graphite": "#3C4044",
    "onyx": "#18191C", "jet": "#101113", "ebony": "#221D1A", "ash": "#B3B5B1", "pewter": "#868C90",
    "gunmetal": "#333B42", "stone": "#A39E93", "greige": "#BDB3A4", "smoke": "#9AA0A3", "platinum": "#E6E7E7",
}  # fmt: skip


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEUTRAL_WORDS = _set(
    "black white gray silver cream ivory eggshell pearl bone charcoal graphite onyx jet ebony ash pewter gunmetal "
    "smoke platinum beige"
) | {"off white"}
"""Colors that are meant as a ground, an ink or a gray rather than as a hue."""

SCENES: dict[str, Scene] = {
    # water and sky
    "ocean": Scene(("#0E4C73", "#1F8CA6", "#7CCBC7", "#E7D7B4"), ("Tide", "Drift")),
    "beach": Scene(("#17778F", "#EBCF9C", "#F08A6B", "#8FD3D1"), ("Shore", "Breeze")),
    "lagoon": Scene(("#0A6A75", "#2BB5A9", "#A5E3D0", "#F4C27A"), ("Lagoon", "Shallows")),
    "lake": Scene(("#235A78", "#6AA3B5", "#4D7456", "#C9DDE0"), ("Mirror", "Shore")),
    "river": Scene(("#2A6475", "#70A89F", "#B69B72", "#D8E5DD"), ("Bend", "Current")),
    "rain": Scene(("#3F5A70", "#7F9BAD", "#B9CAD3", "#55756B"), ("Shower", "Window")),
    "storm": Scene(("#2C3A4D", "#5F7387", "#E3B94A", "#A9B8C3"), ("Front", "Light")),
    "sky scene": Scene(("#2B6FB3", "#86BFE8", "#F5C99B", "#DDEDF7"), ("Horizon", "Lift")),
    "sunset": Scene(("#C8432F", "#F08A3C", "#6D2E63", "#F8C66A"), ("Glow", "Ember")),
    "sunrise": Scene(("#D2594A", "#F7B267", "#5A4A82", "#F9D9C2"), ("Haze", "Light")),
    "dusk": Scene(("#4B3F72", "#B56A8A", "#F0A07C", "#1F2544"), ("Veil", "Hour")),
    "night": Scene(("#27347A", "#5B4FA8", "#F2C14E", "#131A38"), ("Lights", "Hush")),
    "galaxy": Scene(("#33206E", "#7A3FB5", "#E0529C", "#4FB3E8"), ("Nebula", "Orbit")),
    "aurora": Scene(("#0F5B5C", "#36C79A", "#7D5BD0", "#B6F0C9"), ("Veil", "Ribbon")),
    "moon": Scene(("#2F3B57", "#8C98B3", "#E8DFC4", "#5A5F87"), ("Glow", "Phase")),
    "sun": Scene(("#D9681C", "#F7B52E", "#B3392A", "#FBE08A"), ("Burst", "Flare")),
    # land and seasons
    "forest": Scene(("#24543A", "#5D8A4E", "#A67C52", "#C4D3A2"), ("Canopy", "Trail")),
    "jungle": Scene(("#14573B", "#3E9A4B", "#E5A72F", "#0D3B3A"), ("Vine", "Canopy")),
    "meadow": Scene(("#4A7F3C", "#A8C765", "#F1C84B", "#C98BB9"), ("Bloom", "Path")),
    "garden": Scene(("#3B7A4B", "#D9698A", "#9CC77B", "#F3D77E"), ("Bloom", "Gate")),
    "desert": Scene(("#B3562F", "#DFA866", "#7C3F34", "#5F8A83"), ("Mesa", "Mirage")),
    "savanna": Scene(("#A8651F", "#D9A648", "#5C5A2E", "#7C3321"), ("Plain", "Heat")),
    "canyon": Scene(("#9C3F27", "#D67F4A", "#4E2A2B", "#E9C49A"), ("Wall", "Echo")),
    "mountain": Scene(("#3B536B", "#7C94A3", "#4C6B57", "#D9E1E4"), ("Ridge", "Summit")),
    "arctic": Scene(("#2D5F88", "#8CC3DD", "#D3E9F0", "#5C7080"), ("Floe", "Frost")),
    "volcano": Scene(("#A8261B", "#EC5B22", "#2B2022", "#F6A623"), ("Vent", "Glow")),
    "fire": Scene(("#B92718", "#F06A1D", "#F9B72B", "#42161A"), ("Spark", "Hearth")),
    "earth": Scene(("#75502F", "#A8783F", "#66703F", "#D3B98C"), ("Strata", "Root")),
    "tropical": Scene(("#0B7C74", "#F26B5B", "#F7B733", "#5BBF6A"), ("Fruit", "Breeze")),
    "mediterranean": Scene(("#1D5B9C", "#C8653F", "#E8C98B", "#6F8446"), ("Terrace", "Cove")),
    "spring": Scene(("#4D8B4A", "#F1A0B6", "#B6D97A", "#F6DC6F"), ("Bud", "Rain")),
    "summer": Scene(("#1687A7", "#F9B233", "#EF5A4C", "#8ED1B2"), ("Noon", "Splash")),
    "autumn": Scene(("#9A3B1F", "#D2812B", "#6A5B2C", "#E2B659"), ("Harvest", "Leaf")),
    "winter": Scene(("#2E5173", "#94B6CB", "#6B7F8C", "#DCE8EE"), ("Frost", "Hush")),
    # plants, food and drink
    "bamboo": Scene(("#4C7A3B", "#95B45B", "#D6C98B", "#2D4B34"), ("Grove", "Shoot")),
    "leaf": Scene(("#397A43", "#86B356", "#C9DDA0", "#22492F"), ("Vein", "Study")),
    "sakura": Scene(("#B84A74", "#F3B3C6", "#7C5A4A", "#A9C29A"), ("Petal", "Drift")),
    "lavender field": Scene(("#65519A", "#A996D1", "#7E9A6C", "#E6DDF2"), ("Row", "Breeze")),
    "floral": Scene(("#A93A68", "#E58FA9", "#5E8A5B", "#F2C76E"), ("Petal", "Press")),
    "cactus": Scene(("#3C7356", "#86A96B", "#E07F6A", "#E5CF9F"), ("Bloom", "Spine")),
    "citrus": Scene(("#DD6A15", "#F8C32B", "#6F9A2C", "#F7E48A"), ("Zest", "Peel")),
    "berry": Scene(("#7A1E4F", "#C23A6B", "#45337F", "#F0A9BF"), ("Jam", "Patch")),
    "coffee bean": Scene(("#4E3324", "#8B5E3C", "#C9A27A", "#EBDCC4"), ("Roast", "Crema")),
    "tea": Scene(("#6B7A3A", "#B8812F", "#8F4A2A", "#DDD3A8"), ("Steep", "Garden")),
    "vineyard": Scene(("#6A1F3B", "#97804A", "#5C6B3A", "#D9C3A5"), ("Cask", "Harvest")),
    "bakery": Scene(("#8A4F2A", "#D9A566", "#C2566A", "#F3E1C4"), ("Crust", "Crumb")),
    "candy": Scene(("#C2307F", "#F58FBC", "#5CC2D6", "#FBD35A"), ("Swirl", "Drop")),
    "ice cream": Scene(("#A14B6B", "#F7B6C2", "#A9DCC3", "#F6DFA4"), ("Scoop", "Cone")),
    "spice": Scene(("#A23B1C", "#DB8A1E", "#6E4A22", "#C7A24A"), ("Market", "Route")),
    # materials
    "wood": Scene(("#74492A", "#A9743F", "#D2AC78", "#44301F"), ("Grain", "Joint")),
    "walnut": Scene(("#5A3C29", "#8B6445", "#BF9A73", "#38261C"), ("Grain", "Shell")),
    "oak": Scene(("#80592F", "#B58D54", "#DDC193", "#4B5136"), ("Grain", "Barrel")),
    "marble": Scene(("#51575E", "#A9ADB0", "#B8975B", "#E2E1DD"), ("Vein", "Hall")),
    "concrete": Scene(("#4D5154", "#8C9091", "#C4C5C1", "#D9622B"), ("Slab", "Form")),
    "granite": Scene(("#45494D", "#83807D", "#B4A79D", "#6B5650"), ("Slab", "Peak")),
    "copper metal": Scene(("#A3582E", "#D08B5B", "#3E7F73", "#5B3322"), ("Patina", "Sheen")),
    "steel": Scene(("#3B4B5A", "#7B8B98", "#B5C0C8", "#2474A8"), ("Weld", "Beam")),
    "leather": Scene(("#6A3B22", "#A0683C", "#2F2621", "#D1A877"), ("Saddle", "Stitch")),
    "linen": Scene(("#6F6653", "#B9AB8F", "#8B9A82", "#E6DCC6"), ("Weave", "Fold")),
    "velvet": Scene(("#5A1A4A", "#8E2B52", "#C39A4B", "#26143A"), ("Curtain", "Fold")),
    "paper": Scene(("#3E4A57", "#B3563C", "#CDBE9F", "#7A8A7B"), ("Fold", "Press")),
    "ceramic": Scene(("#2C5A84", "#C5724F", "#DCCFB8", "#7D9A97"), ("Glaze", "Kiln")),
    "glass": Scene(("#1F6A80", "#74B9C4", "#BFE0DE", "#5B7FA8"), ("Prism", "Pane")),
    "jewel": Scene(("#0E6B54", "#7A1748", "#20408F", "#C99A2E"), ("Facet", "Setting")),
    # styles and eras
    "cyberpunk": Scene(("#F2168F", "#12D6E8", "#7A2BF0", "#F6E615"), ("Circuit", "Alley")),
    "neon": Scene(("#FF2E93", "#17D9F0", "#A6F02A", "#7B2CF5"), ("Sign", "Heartbeater")),
    "vaporwave": Scene(("#7A3BC2", "#F56BB8", "#3CC6DE", "#F7B56B"), ("Arcade", "Plaza")),
    "synthwave": Scene(("#C21E86", "#5A2FC4", "#F5783D", "#1FB5DE"), ("Drive", "Grid")),
    "art deco": Scene(("#14433F", "#C39A44", "#191B1F", "#8E3B33"), ("Lobby", "Fan")),
    "bauhaus": Scene(("#C9301F", "#1F4E9E", "#F2B922", "#1B1B1C"), ("Block", "Form")),
    "scandinavian": Scene(("#3D5563", "#A9B7B0", "#C98F6B", "#DDD5C7"), ("Cabin", "Light")),
    "japanese": Scene(("#B5282C", "#27365E", "#C9AE84", "#6C7B58"), ("Screen", "Garden")),
    "diner": Scene(("#B8322A", "#2F8C8A", "#F2B441", "#6B3A25"), ("Booth", "Jukebox")),
    "seventies": Scene(("#A8431C", "#E08A1E", "#6C6A2A", "#5A2F1E"), ("Groove", "Lounge")),
    "eighties": Scene(("#C9247F", "#1BA3C6", "#F7C52B", "#5B2CA0"), ("Arcade", "Mixtape")),
    "nineties": Scene(("#1B7A7A", "#7A3C9C", "#F2A42B", "#E8546B"), ("Mixtape", "Windbreaker")),
    "fifties": Scene(("#C2453F", "#6FB9AE", "#F3D08B", "#3C5A63"), ("Motel", "Chrome")),
    "vintage": Scene(("#7A3B2B", "#B98A3F", "#4E6B60", "#D8C29A"), ("Poster", "Print")),
    "industrial": Scene(("#3A3F44", "#B5602C", "#7D7F7C", "#C7B79B"), ("Loft", "Rivet")),
    "steampunk": Scene(("#5B3A20", "#A87B35", "#2F4F4A", "#8C3D22"), ("Gear", "Valve")),
    "boho": Scene(("#A3553C", "#D6A25E", "#6C7F69", "#C7938A"), ("Weave", "Caravan")),
    "rustic": Scene(("#72442C", "#A8562F", "#7A7B4E", "#DBC49C"), ("Barn", "Hearth")),
    "gothic": Scene(("#5A1022", "#33203F", "#1A171C", "#8F8A86"), ("Arch", "Rose")),
    "grunge": Scene(("#3F3A34", "#74362B", "#5E6648", "#A39B84"), ("Garage", "Flannel")),
    "pop art": Scene(("#D9202F", "#1C6FC9", "#FBD022", "#17181C"), ("Dot", "Panel")),
    "graffiti": Scene(("#E0347A", "#1E8FD1", "#F9C819", "#3CAE5A"), ("Tag", "Wall")),
    # places and occasions
    "tokyo": Scene(("#D8265E", "#27307A", "#2BB7D9", "#F3B23C"), ("Crossing", "Alley")),
    "paris": Scene(("#35456B", "#C58F93", "#B39A6A", "#8FA1B0"), ("Balcony", "Boulevard")),
    "morocco": Scene(("#B04A28", "#1F6F8C", "#E0A63A", "#7A2F52"), ("Riad", "Souk")),
    "mexico": Scene(("#C81F66", "#F28C1B", "#137F76", "#F6C62F"), ("Fiesta", "Mural")),
    "india": Scene(("#B8215F", "#EE8C1A", "#1E7A6C", "#5B2A86"), ("Bazaar", "Silk")),
    "city": Scene(("#34475C", "#8593A0", "#E0953B", "#BCC6CD"), ("Grid", "Block")),
    "halloween": Scene(("#E06A12", "#4B2A70", "#1A151F", "#86A82E"), ("Lantern", "Howl")),
    "christmas": Scene(("#A81E2D", "#1D5F3C", "#CFA548", "#F3E9D6"), ("Pine", "Carol")),
    "valentine": Scene(("#B31942", "#E8708E", "#F6BFC6", "#5C1A33"), ("Letter", "Ribbon")),
    "wedding": Scene(("#7C6A5C", "#D8B4AE", "#9CAB92", "#CBB07A"), ("Vow", "Bouquet")),
    # trades
    "finance": Scene(("#16375E", "#1F7A62", "#C2A04E", "#7F93A8"), ("Ledger", "Vault")),
    "corporate": Scene(("#1A4178", "#3E7FBF", "#5E7081", "#E09A36"), ("Tower", "Charter")),
    "technology": Scene(("#1F4FD8", "#12A5B8", "#6C4BE0", "#2A3446"), ("Signal", "Stack")),
    "health": Scene(("#0F6F80", "#45B29A", "#7FB6DE", "#F2836B"), ("Heartbeater", "Balance")),
    "spa": Scene(("#3F7671", "#9BC2B1", "#D9C7AE", "#B7A0B8"), ("Stone", "Ritual")),
    "yoga": Scene(("#6A5A8C", "#C58C84", "#8FAF9A", "#E5C99B"), ("Breath", "Flow")),
    "eco": Scene(("#2F7042", "#8CB04A", "#86694A", "#CFE0B5"), ("Cycle", "Root")),
    "kids": Scene(("#3E6FD0", "#F26D6D", "#FBC540", "#4FBF93"), ("Blocks", "Parade")),
    "sport": Scene(("#C4202E", "#17315F", "#F2A71B", "#7B8894"), ("Sprint", "Track")),
    "law": Scene(("#22324D", "#6D2530", "#AF9152", "#8A8F98"), ("Seal", "Chamber")),
    "music": Scene(("#5A2A8A", "#E0457B", "#1FA0B8", "#F3B33E"), ("Chorus", "Groove")),
    "gaming": Scene(("#5B2BE0", "#16C784", "#E8327C", "#1B2138"), ("Arena", "Level")),
    "royal": Scene(("#432A86", "#B98F34", "#8A1538", "#1B1F45"), ("Crown", "Court")),
    "magic": Scene(("#4A2B8C", "#A15BD0", "#E6B94F", "#2A9AA8"), ("Spell", "Potion")),
    # animals, mostly from what a logo shows
    "panda": Scene(("#22262A", "#5F8A4B", "#AEB4B0", "#D98C8C"), ("Nap", "Patch")),
    "fox": Scene(("#B34A1B", "#E98A3C", "#43302A", "#F0D8BE"), ("Tail", "Den")),
    "lion": Scene(("#A3621A", "#DDA33B", "#5E3A1E", "#EFD49A"), ("Mane", "Pride")),
    "flamingo": Scene(("#C23B70", "#F6869C", "#2B8F95", "#F9C9C0"), ("Wing", "Lagoon")),
    "peacock": Scene(("#0F5C7A", "#15876B", "#4B36A0", "#C6A532"), ("Fan", "Plume")),
    "whale": Scene(("#1E4467", "#5B8FB0", "#A9C8D6", "#E3A57B"), ("Song", "Dive")),
    "owl": Scene(("#5B4632", "#A67F4C", "#33405E", "#DCC8A2"), ("Watch", "Feather")),
    "bear": Scene(("#573A28", "#8E6340", "#4F6B4A", "#D9BE97"), ("Den", "Trail")),
    "bee": Scene(("#E0A11B", "#2A241E", "#B56A1C", "#F6DE8E"), ("Hive", "Dance")),
    "butterfly": Scene(("#6236A8", "#E27B2C", "#2D8FC4", "#F0B8D0"), ("Wing", "Flutter")),
    "frog": Scene(("#2F7A3E", "#8FBF3F", "#D95F35", "#1E4A3F"), ("Pond", "Leap")),
}

CLEAR_VOTE = 2
"""Votes of a mood from which on they decide something on their own."""

NIGHT_SCENES = _set("night galaxy gothic cyberpunk neon synthwave halloween gaming aurora")
"""Scenes that are seen in the dark: each counts like a clear vote for a dark ground."""

MOODS: dict[str, Mood] = {
    "calm": Mood(0.72, 0.04, 0, 1, 0, ("analogous", "mist", "duotone"), "calm"),
    "soft": Mood(0.7, 0.06, -1, 0, 0, ("pastel", "mist"), "soft"),
    "gentle": Mood(0.75, 0.05, -1, 0, 0, ("pastel", "mist"), "gentle"),
    "pastel": Mood(0.8, 0.1, -1, -1, 0, ("pastel", "sorbet", "mist"), "pastel"),
    "muted": Mood(0.6, 0.0, 0, 0, 0, ("earthy", "faded", "mineral"), "muted"),
    "natural": Mood(0.82, 0.0, -1, 0, 1, ("earthy", "analogous"), "natural"),
    "earthy": Mood(0.78, -0.02, 0, 0, 2, ("earthy", "faded", "duotone"), "earthy"),
    "dreamy": Mood(0.8, 0.07, -1, 0, -1, ("pastel", "analogous", "duotone"), "dreamy"),
    "romantic": Mood(0.85, 0.04, -1, 0, 1, ("pastel", "analogous"), "romantic"),
    "delicate": Mood(0.7, 0.06, -1, 1, 0, ("pastel", "mist"), "delicate"),
    "bold": Mood(1.25, 0.0, 0, 0, 0, ("vivid", "triadic", "spotlight"), "bold"),
    "vibrant": Mood(1.3, 0.0, 0, -1, 0, ("vivid", "triadic", "sorbet"), "vibrant"),
    "bright": Mood(1.2, 0.05, -1, -1, 0, ("vivid", "sorbet"), "bright"),
    "electric": Mood(1.45, 0.02, 1, -1, -1, ("dark", "vivid", "neon"), "electric"),
    "neon": Mood(1.5, 0.02, 2, -1, 0, ("neon", "dark", "vivid"), "electric"),
    "energetic": Mood(1.25, 0.0, 0, -1, 1, ("vivid", "triadic", "split"), "energetic"),
    "playful": Mood(1.12, 0.05, -1, -1, 0, ("sorbet", "triadic", "vivid"), "playful"),
    "fun": Mood(1.15, 0.04, -1, -1, 0, ("sorbet", "triadic", "vivid"), "cheerful"),
    "cute": Mood(0.95, 0.07, -1, -1, 0, ("pastel", "sorbet"), "cute"),
    "minimalist": Mood(0.9, 0.0, -1, 2, 0, ("mineral", "spotlight", "mist"), "restrained"),
    "clean": Mood(0.95, 0.02, -1, 1, -1, ("mist", "analogous"), "clean"),
    "fresh": Mood(1.1, 0.04, -1, 0, 0, ("analogous", "sorbet", "mist"), "fresh"),
    "modern": Mood(1.05, 0.0, 0, 1, -1, ("spotlight", "mineral", "duotone"), "modern"),
    "futuristic": Mood(1.2, 0.0, 2, 0, -2, ("dark", "neon", "duotone"), "futuristic"),
    "luxurious": Mood(0.92, -0.04, 2, 1, 1, ("jewel", "dark", "deep tone"), "luxurious"),
    "elegant": Mood(0.8, -0.02, 0, 1, 0, ("jewel", "duotone", "mineral"), "elegant"),
    "serious": Mood(0.75, -0.03, 0, 1, -1, ("mineral", "duotone"), "serious"),
    "trust": Mood(0.95, -0.02, -1, 1, -2, ("analogous", "mineral", "duotone"), "trustworthy"),
    "retro": Mood(0.88, 0.0, -1, -1, 2, ("faded", "earthy", "split"), "retro"),
    "nostalgic": Mood(0.75, 0.0, -1, 0, 2, ("faded", "earthy"), "nostalgic"),
    "warm": Mood(1.0, 0.0, 0, 0, 3, ("earthy", "analogous"), "warm"),
    "cozy": Mood(0.85, 0.0, 0, 0, 3, ("earthy", "faded"), "cozy"),
    "cool": Mood(1.0, 0.0, 0, 0, -3, ("mist", "analogous"), "cool"),
    "dark": Mood(0.95, -0.05, 3, 0, 0, ("dark", "jewel", "deep tone"), "dark"),
    "light": Mood(0.95, 0.06, -3, 0, 0, ("pastel", "mist"), "light"),
    "moody": Mood(0.7, -0.05, 3, 0, 0, ("dark", "jewel", "deep tone"), "moody"),
    "mysterious": Mood(0.85, -0.05, 3, 0, -1, ("dark", "jewel", "deep tone"), "mysterious"),
    "dramatic": Mood(1.1, -0.03, 1, 0, 0, ("spotlight", "jewel", "dark"), "dramatic"),
    "brutalist": Mood(0.6, -0.02, 0, 3, 0, ("spotlight", "mineral", "dark"), "stark"),
    "monochrome": Mood(0.35, 0.0, 0, 4, 0, ("mineral", "deep tone", "duotone"), "monochrome"),
    "single minded": Mood(1.0, 0.0, 0, 2, 0, ("deep tone", "mineral", "duotone"), "focused"),
    "rich": Mood(1.1, -0.05, 1, 0, 0, ("jewel", "duotone"), "rich"),
    "psychedelic": Mood(1.35, 0.02, 0, -2, 0, ("neon", "triadic", "vivid"), "psychedelic"),
    "colorful": Mood(1.2, 0.02, -1, -2, 0, ("triadic", "sorbet", "vivid"), "colorful"),
    "organic": Mood(0.82, 0.0, -1, 0, 1, ("earthy", "analogous"), "organic"),
    "sharp": Mood(1.1, 0.0, 0, 1, -1, ("spotlight", "vivid"), "sharp"),
}

OPPOSITES: dict[str, str] = {
    "dark": "light", "light": "dark", "bright": "muted", "vibrant": "muted", "neon": "muted", "bold": "soft",
    "electric": "muted", "pastel": "bold", "muted": "vibrant", "soft": "bold", "warm": "cool", "cool": "warm",
    "colorful": "single minded", "moody": "light", "earthy": "clean", "serious": "playful",
}  # fmt: skip
"""What "no X" asks for, where refusing a mood means wanting another."""

TINTS: dict[str, tuple[float, float]] = {
    "dark": (-0.14, 0.9), "deep": (-0.12, 1.05), "light": (0.14, 0.75), "pale": (0.2, 0.5),
    "bright": (0.05, 1.3),
    "vivid": (0.02, 1.4), "neon": (0.1, 1.8), "hot": (-0.04, 1.5), "pastel": (0.2, 0.6), "muted": (0.0, 0.55),
    "dusty": (0.02, 0.5), "soft": (0.1, 0.65), "electric": (0.04, 1.8), "rich": (-0.06, 1.15),
    "burnt": (-0.1, 0.95),
    "warm": (0.0, 1.0), "cool": (0.0, 1.0), "baby": (0.2, 0.6),
}  # fmt: skip
"""An adjective right before a color: what it adds to the lightness, and its factor on the chroma (OKLCH)."""

ALIASES: dict[str, str] = {
    # spellings and forms
    "grey": "gray", "purplish": "purple", "reddish": "red", "greenish": "green", "bluish": "blue",
    "golden": "gold",
    "gilded": "gold", "silvery": "silver", "metallic": "steel", "chrome": "steel", "metal": "steel",
    "iron": "steel", "offwhite": "off white", "snow white": "white", "jet black": "jet", "wooden": "wood",
    "timber": "wood",
    "woody": "wood", "coppery": "copper metal", "patina": "copper metal", "olive green": "olive",
    "navy blue": "navy", "mint green": "mint", "sage green": "sage", "emerald green": "emerald",
    "cobalt blue": "cobalt",
    "forestgreen": "forest green", "midnightblue": "midnight blue", "mustard yellow": "mustard",
    "cherry red": "cherry",
    "blood red": "crimson", "baby pink": "blush", "blush pink": "blush", "dusty pink": "dusty rose",
    "terra cotta": "terracotta",
    "lime green": "lime", "coral pink": "coral", "royal purple": "grape", "burnt umber": "umber",
    "steel gray": "pewter",
    "charcoal gray": "charcoal", "slate gray": "slate", "sea green": "jade", "seagreen": "jade",
    # scenes
    "sea": "ocean", "marine": "ocean", "nautical": "ocean", "aquatic": "ocean", "wave": "ocean",
    "underwater": "ocean",
    "water": "ocean", "pacific": "ocean", "oceanic": "ocean", "coast": "beach", "coastal": "beach",
    "seaside": "beach", "surf": "beach",
    "island": "lagoon", "reef": "lagoon", "pool": "lagoon", "stream": "river", "waterfall": "river",
    "rainy": "rain",
    "stormy": "storm", "thunder": "storm", "lightning": "storm", "cloud": "sky scene", "cloudy": "sky scene",
    "airy": "sky scene", "sundown": "sunset", "dawn": "sunrise", "morning": "sunrise", "twilight": "dusk",
    "evening": "dusk",
    "nighttime": "night", "nocturnal": "night", "starry": "night", "star": "night", "space": "galaxy",
    "cosmic": "galaxy",
    "cosmos": "galaxy", "nebula": "galaxy", "universe": "galaxy", "astronaut": "galaxy", "rocket": "galaxy",
    "planet": "galaxy", "northern lights": "aurora", "borealis": "aurora", "lunar": "moon", "moonlight": "moon",
    "moonlit": "moon", "sunny": "sun", "sunshine": "sun", "solar": "sun", "woodland": "forest",
    "tree": "forest",
    "woods": "forest", "rainforest": "jungle", "safari": "savanna", "prairie": "meadow", "grass": "meadow",
    "field": "meadow",
    "dune": "desert", "sahara": "desert", "arid": "desert", "alpine": "mountain", "hill": "mountain",
    "peak": "mountain", "outdoor": "mountain", "camping": "mountain", "hiking": "mountain", "ice": "arctic",
    "icy": "arctic", "frost": "arctic", "frosty": "arctic", "glacier": "arctic", "polar": "arctic",
    "nordic": "scandinavian",
    "snow": "winter", "snowy": "winter", "wintry": "winter", "lava": "volcano", "magma": "volcano",
    "flame": "fire", "fiery": "fire",
    "ember": "fire", "phoenix": "fire", "dragon": "fire", "soil": "earth", "clay pot": "ceramic",
    "pottery": "ceramic",
    "porcelain": "ceramic", "tropic": "tropical", "hawaii": "tropical", "caribbean": "tropical",
    "palm": "tropical",
    "parrot": "tropical", "greek": "mediterranean", "greece": "mediterranean", "italian": "mediterranean",
    "italy": "mediterranean", "fall": "autumn", "autumnal": "autumn", "harvest": "autumn",
    "springtime": "spring",
    "summery": "summer", "leafy": "leaf", "foliage": "leaf", "botanical": "leaf", "plant": "leaf",
    "cherry blossom": "sakura", "blossom": "sakura", "flower": "floral", "bouquet": "floral", "tulip": "floral",
    "succulent": "cactus", "fruit": "citrus", "fruity": "citrus", "lime fruit": "citrus", "blueberry": "berry",
    "strawberry": "berry", "cafe": "coffee bean", "espresso bar": "coffee bean", "barista": "coffee bean",
    "latte": "coffee bean",
    "coffee shop": "coffee bean", "winery": "vineyard", "bread": "bakery", "pastry": "bakery",
    "cake": "bakery", "cookie": "bakery", "sweets": "candy", "lollipop": "candy", "cotton candy": "candy",
    "gelato": "ice cream",
    "icecream": "ice cream", "sorbet": "ice cream", "spicy": "spice", "curry": "spice", "cement": "concrete",
    "rock": "granite", "gem": "jewel", "gemstone": "jewel", "jewelry": "jewel", "cotton": "linen",
    "textile": "linen",
    "satin": "velvet", "silk": "velvet", "crystal": "glass", "origami": "paper", "cyber": "cyberpunk",
    "blade runner": "cyberpunk",
    "neon light": "neon", "glowing": "neon", "retrowave": "synthwave", "outrun": "synthwave",
    "deco": "art deco",
    "gatsby": "art deco", "scandi": "scandinavian", "hygge": "scandinavian", "japan": "japanese", "zen": "spa",
    "samurai": "japanese", "wellness": "spa", "relax": "spa", "70s": "seventies", "1970s": "seventies",
    "disco": "seventies",
    "hippie": "seventies", "80s": "eighties", "1980s": "eighties", "arcade": "eighties", "90s": "nineties",
    "1990s": "nineties", "50s": "fifties", "1950s": "fifties", "60s": "fifties", "1960s": "fifties",
    "midcentury": "fifties",
    "mid century": "fifties", "antique": "vintage", "old fashioned": "vintage", "sepia tone": "vintage",
    "bohemian": "boho",
    "farmhouse": "rustic", "country": "rustic", "goth": "gothic", "vampire": "gothic", "comic": "pop art",
    "street art": "graffiti", "hip hop": "graffiti", "skate": "graffiti", "french": "paris", "france": "paris",
    "moroccan": "morocco", "mexican": "mexico", "fiesta": "mexico", "taco": "mexico", "indian": "india",
    "holi": "india",
    "urban": "city", "street": "city", "skyline": "city", "spooky": "halloween", "xmas": "christmas",
    "holiday": "christmas",
    "festive": "christmas", "love": "valentine", "heart": "valentine", "bridal": "wedding", "bank": "finance",
    "banking": "finance", "money": "finance", "invest": "finance", "business": "corporate",
    "office": "corporate",
    "company": "corporate", "consulting": "corporate", "enterprise": "corporate", "tech": "technology",
    "digital": "technology", "software": "technology", "startup": "technology", "robot": "technology",
    "ai": "technology",
    "data": "technology", "cloud computing": "technology", "medical": "health", "clinic": "health",
    "doctor": "health",
    "hospital": "health", "dental": "health", "pharmacy": "health", "meditation": "yoga", "mindful": "yoga",
    "sustainable": "eco", "ecology": "eco", "ecological": "eco", "environment": "eco", "recycling": "eco",
    "green energy": "eco",
    "vegan": "eco", "nature": "forest", "farm": "rustic", "kid": "kids", "children": "kids", "child": "kids",
    "toy": "kids", "kindergarten": "kids", "nursery": "kids", "sporty": "sport", "athletic": "sport",
    "fitness": "sport",
    "gym": "sport", "football": "sport", "soccer": "sport", "team": "sport", "lawyer": "law", "legal": "law",
    "attorney": "law", "academic": "law", "university": "law", "jazz": "music", "band": "music",
    "guitar": "music",
    "dj": "music", "game": "gaming", "gamer": "gaming", "esports": "gaming", "king": "royal", "queen": "royal",
    "regal": "royal", "crown": "royal", "majestic": "royal", "magical": "magic", "fantasy": "magic",
    "mystical": "magic",
    "wizard": "magic", "fairy": "magic", "unicorn": "candy", "tiger": "lion", "dolphin": "whale",
    "honeybee": "bee",
    "earth tone": "earthy", "midnight sky": "night", "factory": "industrial", "warehouse": "industrial",
    # moods
    "peaceful": "calm", "serene": "calm", "tranquil": "calm", "quiet": "calm", "relaxing": "calm",
    "soothing": "calm",
    "relaxed": "calm", "harmonious": "calm", "subtle": "muted", "desaturated": "muted", "subdued": "muted",
    "faded": "nostalgic", "dusty": "muted", "pale": "soft", "earthen": "earthy", "down to earth": "earthy",
    "ethereal": "dreamy", "whimsical": "playful", "happy": "fun", "joyful": "fun", "cheerful": "fun",
    "friendly": "fun",
    "funny": "fun", "quirky": "playful", "childlike": "playful", "kawaii": "cute", "adorable": "cute",
    "sweet": "cute",
    "strong": "bold", "powerful": "bold", "loud": "vibrant", "vivid": "vibrant", "saturated": "vibrant",
    "lively": "vibrant",
    "dynamic": "energetic", "energy": "energetic", "fluorescent": "neon", "minimal": "minimalist",
    "minimalism": "minimalist", "minimalistic": "minimalist", "simple": "minimalist", "flat": "clean",
    "crisp": "clean",
    "pure": "clean", "airiness": "clean", "contemporary": "modern", "sleek": "modern", "scifi": "futuristic",
    "sci fi": "futuristic", "future": "futuristic", "luxury": "luxurious", "premium": "luxurious",
    "opulent": "luxurious",
    "lavish": "luxurious", "exclusive": "luxurious", "glamorous": "luxurious", "glamour": "luxurious",
    "fancy": "luxurious",
    "classy": "elegant", "sophisticated": "elegant", "graceful": "elegant", "refined": "elegant",
    "timeless": "elegant",
    "classic": "elegant", "feminine": "romantic", "masculine": "serious", "formal": "serious",
    "professional": "trust",
    "trustworthy": "trust", "reliable": "trust", "secure": "trust", "confident": "trust", "old school": "retro",
    "oldschool": "retro", "throwback": "retro", "nostalgia": "nostalgic", "homely": "cozy", "comfy": "cozy",
    "cosy": "cozy",
    "inviting": "warm", "chilly": "cool", "cold": "cool", "shadowy": "dark", "noir": "moody",
    "sinister": "moody",
    "brooding": "moody", "enigmatic": "mysterious", "mystery": "mysterious", "theatrical": "dramatic",
    "brutalism": "brutalist",
    "stark": "brutalist", "raw": "brutalist", "monochromatic": "monochrome", "grayscale": "monochrome",
    "greyscale": "monochrome", "colorless": "monochrome", "no color": "monochrome",
    "without color": "monochrome",
    "only": "single minded", "two tone": "single minded", "duotone": "single minded", "trippy": "psychedelic",
    "rainbow": "colorful", "multicolor": "colorful", "multicolored": "colorful", "edgy": "sharp",
    "aggressive": "sharp",
    # colors in other languages, and a few scenes
    "rojo": "red", "roja": "red", "rosso": "red", "rouge": "red", "vermelho": "red", "azul": "blue",
    "bleu": "blue",
    "blau": "blue", "verde": "green", "vert": "green", "gruen": "green", "grun": "green", "amarillo": "yellow",
    "giallo": "yellow",
    "jaune": "yellow", "gelb": "yellow", "blanco": "white", "blanca": "white", "blanc": "white",
    "bianco": "white",
    "weiss": "white", "negro": "black", "nero": "black", "schwarz": "black", "morado": "purple",
    "lila": "lilac",
    "violett": "violet", "naranja": "orange", "gris": "gray", "grau": "gray", "marron": "brown",
    "braun": "brown", "dorado": "gold",
    "mer": "ocean", "meer": "ocean", "mare": "ocean", "bosque": "forest", "foret": "forest", "wald": "forest",
    "nacht": "night", "noche": "night", "nuit": "night", "notte": "night", "herbst": "autumn",
    "otono": "autumn",
    "automne": "autumn", "primavera": "spring", "printemps": "spring", "verano": "summer", "invierno": "winter",
    "sommer": "summer", "desierto": "desert", "atardecer": "sunset", "playa": "beach",
    "minimalista": "minimalist",
}  # fmt: skip

IDEOGRAPHS: dict[str, str] = {
    "東京": "tokyo", "东京": "tokyo", "夕日": "sunset", "夕焼け": "sunset", "日落": "sunset", "砂漠": "desert",
    "沙漠": "desert", "宇宙": "galaxy", "日本": "japanese", "モダン": "modern", "シンプル": "minimalist",
    "レトロ": "retro",
    "ネオン": "neon", "パステル": "pastel", "極簡": "minimalist", "极简": "minimalist", "不要": "no",
    "没有": "no", "無": "no",
    "无": "no", "夜": "night", "海": "ocean", "森": "forest", "桜": "sakura", "樱": "sakura", "竹": "bamboo",
    "山": "mountain",
    "雪": "winter", "春": "spring", "夏": "summer", "秋": "autumn", "冬": "winter", "月": "moon", "赤": "red",
    "红": "red",
    "紅": "red", "青": "blue", "蓝": "blue", "藍": "indigo", "緑": "green", "绿": "green", "黄": "yellow",
    "白": "white", "黒": "black",
    "黑": "black", "紫": "purple", "金": "gold", "銀": "silver", "灰": "gray", "茶": "tea", "바다": "ocean",
    "밤": "night",
    "빨강": "red", "파랑": "blue", "초록": "green", "море": "ocean", "ночь": "night", "лес": "forest",
    "красн": "red", "син": "blue", "зелен": "green", "бел": "white", "черн": "black", "без": "no",
}  # fmt: skip
"""Stems that are found inside running text of scripts without word boundaries or with rich endings; longest first."""

NEGATIONS = _set("no not non without avoid avoiding never except excluding exclude minus nor dislike hate skip "
                      "omit omitting lacking dont cannot sans ohne kein keine keinen senza sem pas")  # fmt: skip
STOPPERS = _set("but just yet instead with plus however rather only then while including prefer")
CONNECTORS = _set("and or nor")
FILLERS = _set(
    "a an any anything all the hint hints trace traces touch of too much more so very really use using shade shades "
    "tone tones color colors colour colours kind kinds single bit to be is it me i we want wanted like have has "
    "include included see make made please even at in on loud overly that which looks look feel"
)

COLOR_NAMES: dict[str, str] = {
    "White": "#FFFFFF", "Ivory": "#FBF7EA", "Cream": "#F8EFD8", "Pearl": "#EFEEEA", "Mist": "#EDF2F4",
    "Linen": "#F2E9DD",
    "Bone": "#E5DDCB", "Oat": "#DBCDB4", "Sand": "#D9C19A", "Dove": "#CFCFCC", "Ash": "#AEB0AD",
    "Fog": "#C9D1D6",
    "Pebble": "#9C9890", "Pewter": "#868C90", "Stone": "#8B857B", "Slate": "#5A6570", "Iron": "#4A4D50",
    "Graphite": "#37393C", "Charcoal": "#2A2C2E", "Ink": "#171B26", "Onyx": "#141415", "Ebony": "#231C19",
    "Blush": "#F2CFCB", "Petal": "#F6BFCB", "Rose": "#DD7089", "Peony": "#E48FB0", "Coral": "#F2785F",
    "Salmon": "#EF947F",
    "Poppy": "#DC3D2C", "Cherry": "#BD1E3C", "Crimson": "#A81532", "Garnet": "#7F1B2F", "Wine": "#611A31",
    "Oxblood": "#471418", "Brick": "#A3422F", "Raspberry": "#BC2862", "Magenta": "#CB2488", "Orchid": "#C06DC0",
    "Flamingo": "#F58CA8",
    "Hibiscus": "#F0428A", "Bubblegum": "#F7A5D0", "Mulberry": "#7B2A59", "Bordeaux": "#4A1730",
    "Peach": "#F9C5A5", "Apricot": "#F6AE74", "Tangerine": "#F3862F", "Pumpkin": "#D76B20",
    "Terracotta": "#BC6043",
    "Clay": "#A87057", "Rust": "#A54A23", "Cinnamon": "#8E5229", "Copper": "#B4703F", "Chestnut": "#6E3C28",
    "Cocoa": "#553526", "Espresso": "#38251D", "Walnut": "#5C4632", "Umber": "#775A3D", "Camel": "#BD9764",
    "Caramel": "#B5772F",
    "Amber": "#EAA32A", "Honey": "#D9A03F", "Marigold": "#F2B02A", "Sunbeam": "#F7CE4A", "Lemon": "#F6E266",
    "Butter": "#F8E9A9",
    "Mustard": "#C79A25", "Ochre": "#B08030", "Brass": "#9C7F3C", "Bronze": "#7D5D2E", "Straw": "#E3CF8F",
    "Olive": "#6E6F33", "Lichen": "#A7A66B", "Bark": "#46402B", "Chartreuse": "#C4D93F", "Lime": "#A2CB33",
    "Pistachio": "#BBD295",
    "Leaf": "#6FA53F", "Moss": "#617A3B", "Fern": "#4E8A4B", "Sage": "#9DB094", "Basil": "#3C6B3A",
    "Ivy": "#2C5238",
    "Clover": "#2F9A52", "Emerald": "#108A5E", "Pine": "#1F4D3B", "Spruce": "#14362D", "Mint": "#A6E0C5",
    "Dew": "#D9EFDF", "Jade": "#3AA680",
    "Eucalyptus": "#7DA390", "Absinthe": "#7FE08A", "Teal": "#137F82", "Lagoon": "#1FA3A3",
    "Turquoise": "#4CC7BC",
    "Seafoam": "#A6DDD3", "Deep Teal": "#0D4A52", "Abyss": "#0A2A33", "Glacier": "#CBE5EC", "Aqua": "#5CD0E0",
    "Cyan": "#17B6DC",
    "Blueprint": "#2C5475", "Harbor": "#3C7A95", "Sky": "#8CC6EC", "Azure": "#318DE0", "Cerulean": "#2277B0",
    "Denim": "#44688F", "Cobalt": "#1D4FB0",
    "Sapphire": "#163E8E", "Navy": "#1A2B52", "Midnight": "#11183A", "Storm": "#6F8194", "Powder": "#BBD3E6",
    "Bluebell": "#7388DC",
    "Electric Blue": "#2A62F5", "Periwinkle": "#A3AEEA", "Indigo": "#3D3793", "Ultramarine": "#3A36C0",
    "Iris": "#6B5FD0", "Violet": "#7445BA",
    "Amethyst": "#9268C4", "Lavender": "#BFAEE2", "Wisteria": "#D9CDEE", "Lilac": "#CBA9D8", "Plum": "#642C5A",
    "Grape": "#52297A",
    "Aubergine": "#3A1D45", "Nightshade": "#241638", "Heather": "#9786A8", "Mauve": "#A97C96",
    "Thistle": "#D6C0D6",
}  # fmt: skip
"""Names a palette may be called by: the closest in OKLab to one of its colors is chosen."""

MOOD_SCENES: dict[str, tuple[str, ...]] = {
    "calm": ("spa", "lake"), "soft": ("spa", "lavender field"), "gentle": ("spa", "sakura"),
    "pastel": ("ice cream", "sakura"),
    "muted": ("linen", "vintage"), "natural": ("leaf", "forest"), "earthy": ("earth", "boho"),
    "dreamy": ("lavender field", "dusk"),
    "romantic": ("valentine", "floral"), "delicate": ("sakura", "wedding"), "bold": ("bauhaus", "pop art"),
    "vibrant": ("graffiti", "tropical"), "bright": ("kids", "summer"), "electric": ("neon", "technology"),
    "energetic": ("sport", "fire"), "playful": ("kids", "candy"), "fun": ("kids", "tropical"),
    "cute": ("ice cream", "candy"),
    "fresh": ("citrus", "leaf"), "clean": ("health", "technology"), "modern": ("technology", "city"),
    "futuristic": ("technology", "synthwave"),
    "luxurious": ("jewel", "art deco"), "elegant": ("velvet", "marble"), "serious": ("law", "finance"),
    "trust": ("corporate", "finance"),
    "retro": ("seventies", "diner"), "nostalgic": ("vintage", "fifties"), "warm": ("autumn", "sun"),
    "cozy": ("rustic", "walnut"),
    "cool": ("lake", "winter"), "dark": ("night", "gothic"), "moody": ("gothic", "storm"),
    "mysterious": ("magic", "dusk"),
    "dramatic": ("velvet", "volcano"), "brutalist": ("concrete",), "monochrome": ("granite", "steel"),
    "rich": ("jewel", "velvet"),
    "psychedelic": ("vaporwave", "graffiti"), "colorful": ("kids", "graffiti"), "organic": ("leaf", "earth"),
    "sharp": ("sport", "gaming"),
}  # fmt: skip
"""The colors a mood brings when no color, place or material was named; one of them is picked by the text's hash."""


class Region(NamedTuple):
    """A part of OKLCH that "no X" rules out: hues clockwise from `start` to `end` degrees, within lightness bounds."""

    start: float
    end: float
    darkest: float = 0.0
    lightest: float = 1.0
    least_chroma: float = 0.03


REFUSALS: dict[str, Region] = {
    "red": Region(2, 49), "pink": Region(325, 22, 0.55), "orange": Region(40, 76, 0.5, 1.0, 0.06),
    "brown": Region(28, 96, 0.0, 0.6), "yellow": Region(74, 118, 0.58), "gold": Region(70, 105, 0.5),
    "green": Region(112, 175),
    "lime": Region(108, 140), "teal": Region(168, 222), "turquoise": Region(168, 222), "cyan": Region(180, 228),
    "blue": Region(213, 286), "purple": Region(283, 335), "violet": Region(280, 325), "magenta": Region(318, 2),
    "beige": Region(50, 110, 0.75, 1.0, 0.012),
}  # fmt: skip
"""What refusing a basic color rules out; any other color rules out its own neighborhood."""
