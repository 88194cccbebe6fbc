# ruff: noqa: RUF001, E501 - words of many scripts: Cyrillic letters look like Latin ones, and ideographs count twice
"""Words people use for colors, places, materials, seasons and styles, and what a designer hears in them.

Everything here is data, the only table of color words. A word that is a color of its own ("navy") is in `COLORS`; one
that brings several with it ("ocean", "synthwave") in `SCENES`; one that bends whatever colors there are ("calm") in
`MOODS`. CSS color names not listed here come from `coloraide`; where CSS and everyday speech disagree (its "green" is
half dark, its "pink" nearly white), the everyday color is listed here and wins.
"""

from __future__ import annotations

import textwrap
from typing import NamedTuple


class Scene(NamedTuple):
    """A word with colors of its own."""

    colors: tuple[str, ...]
    """Most typical first."""
    grounds: tuple[str, ...]
    """What it is seen on, where that belongs to it; the first decides whether it is dark."""


class Mood(NamedTuple):
    """How a word bends colors; words combine by multiplying `chroma` and adding the rest."""

    chroma: float = 1.0
    lift: float = 0.0
    """Added to the lightness of mid tones, in OKLCH units."""
    dark: int = 0
    """Votes for a dark ground (positive) or a light one (negative); two decide."""
    restraint: int = 0
    """Votes for neutrals around few colors (positive) or for many colors (negative)."""
    warmth: int = 0
    """Votes for warm (positive) or cool (negative) neutrals and picked hues."""
    scenes: tuple[str, ...] = ()
    """What it brings where no color, place or material is named; the text's hash picks one."""


class Region(NamedTuple):
    """A part of OKLCH: hues clockwise from `start` to `end` degrees, within bounds of lightness and chroma."""

    start: float
    end: float
    darkest: float = 0.0
    lightest: float = 1.0
    least_chroma: float = 0.03


def _list(text: str) -> list[str]:
    return [part for item in text.replace("\n", " ").split(",") if (part := item.strip())]


def _rows(table: str) -> list[list[str]]:
    """Rows of columns separated by colons; an indented line continues the one before."""
    lines = textwrap.dedent(table).strip().replace("\n    ", " ").splitlines()
    return [[column.strip() for column in line.split(":")] for line in lines]


def _codes(text: str) -> tuple[str, ...]:
    return tuple(f"#{code}" for code in text.split())


COLORS = {
    name: f"#{code}" for name, _, code in (entry.rpartition(" ") for entry in _list("""
red D2202B, orange EE7B2B, yellow F6C83C, green 2A8C55, blue 2160C4, purple 6A3BA3, violet 7145B8, pink F08CAE, brown 7A4B2B, gray 7F858C, black
131416, white FFFFFF, teal 12868A, turquoise 2BB8AE, cyan 16B4D6, magenta C81E82, lime A4CE2F, gold D2A63C, silver B9BFC6, beige EADFC8, crimson
B3132F, scarlet DB2B1C, ruby A3123F, cherry B81D3A, burgundy 6E1A2D, wine 6B1D36, maroon 701C28, oxblood 561A1E, brick A5402D, rust AE4A20, vermilion
E2421F, cardinal B01B2E, blush F0C6C0, rose D9627F, raspberry B8215C, fuchsia D12C9A, salmon F28B75, coral F4745E, watermelon EF5B6C, bubblegum
F79AC0, mauve A97A94, dusty rose C98F94, rose gold C98A7A, cranberry 98203F, peony E37FA0, tangerine F58529, apricot F7B27A, peach F9C2A0, pumpkin
DC6B1E, amber EBA022, terracotta BF5E3E, burnt orange BB5419, burnt sienna A44E2A, sienna 9A5330, ochre C18A2E, mustard D3A021, saffron F0AE24,
marigold F0A51E, honey DE9C26, lemon F7DF4E, butter F8E7A4, canary FBE452, sand DCC6A0, tan CBA77C, camel BE935C, caramel B4702F, cinnamon 9C5227,
copper B4693A, bronze 8F6632, brass B7933F, khaki B5A878, taupe 8B7D71, umber 5F4630, mahogany 642B20, chestnut 783F2A, mocha 6C4B3B, espresso 3A271F,
chocolate 4F2F20, coffee 5B3D2B, champagne EBD9B7, wheat EBD5A3, vanilla F5E9C9, clay B16B4C, sepia 6E4F34, mint A4DEC3, sage 9CAF91, olive 6D7033,
moss 63793A, emerald 0F8A5F, jade 2B9C78, fern 55894C, forest green 235739, hunter green 2A5037, pine 24503F, eucalyptus 7FA391, pistachio B5CF91,
avocado 6F8337, pear C2CB4C, basil 477340, seafoam 9FDAC4, celadon AFCBB1, viridian 34806B, chartreuse C2DB36, kelly 2E9E3F, racing green 12432F,
bottle green 124A38, army green 535B35, matcha A5B86E, navy 1B2A4F, indigo 3B348B, cobalt 1B49A8, azure 2D8CE6, sky blue 87C3EA, baby blue ABD2EE,
royal blue 2750C0, sapphire 15429B, denim 3F638F, cerulean 2686BC, aqua 45C8CD, petrol 0E5866, steel blue 47759E, powder blue B5D3E2, midnight 171F3D,
midnight blue 18224B, electric blue 1668FF, periwinkle 8F9BE0, ultramarine 2E35B0, prussian 123A5A, cornflower 6690DF, slate 53616F, electric pink
FF2E93, lavender BBA8DE, lilac C8A7D6, plum 6E2F60, eggplant 45234F, fig 2F1A28, amethyst 8C5FC0, orchid BD6CC4, grape 5E2F83, mulberry 7C2756,
heather 9C88AE, cream FAF2DF, ivory FBF7EA, off white F7F5F0, eggshell F1EADB, pearl F0EEE8, bone EAE3D2, ecru DCD2B8, oatmeal DDD0BA, charcoal
2E3338, graphite 3C4044, onyx 18191C, jet 101113, ebony 221D1A, ash B3B5B1, pewter 868C90, gunmetal 333B42, stone A39E93, greige BDB3A4, smoke 9AA0A3,
platinum E6E7E7, pale pink FFE3F0, pale lilac EBE1FC, pale blue E0E8FD, pale green E0F3E2, pale aqua E0F3F5, pale peach FCE6D8, neon green 45F02C, neon yellow E4FB2E, neon orange FF6B1A, abyss 03292B, conifer 0D2716, basalt 5B5D60, raisin 281E25, wedgwood 768BB7, spruce 4F6F61
"""))
}  # fmt: skip

NEUTRALS = frozenset(_list("black, white, gray, silver, cream, ivory, eggshell, pearl, bone, charcoal, graphite, onyx, jet, ebony, ash, pewter, gunmetal, smoke, platinum, beige, off white"))  # fmt: skip
"""Colors that are meant as a ground, an ink or a gray rather than as a hue."""

# scene: colors / grounds: other words for it
_SCENES = _rows("""
ocean: 0E4C73 1F8CA6 2B8A78 7CCBC7 E7D7B4: sea, marine, nautical, aquatic, wave, underwater, water, pacific, oceanic, maritime, beachy, seapunk,
    boardwalk, pier
beach: 17778F EBCF9C F08A6B 8FD3D1: coast, coastal, seaside, surf
lagoon: 0A6A75 2BB5A9 A5E3D0 F4C27A: island, reef, pool
lake: 235A78 6AA3B5 4D7456 C9DDE0:
river: 2A6475 70A89F B69B72 D8E5DD: stream, waterfall
rain: 3F5A70 7F9BAD B9CAD3 55756B: rainy
storm: 2C3A4D 5F7387 E3B94A A9B8C3: stormy, thunder, lightning
breeze: 2484C6 F7D648 F4745E 8FD0E8 / FFFFFF FFF9DC E9F6FD: fresh air
sky: 2B6FB3 86BFE8 F5C99B DDEDF7: cloud, cloudy, airy
sunset: C8432F F08A3C 6D2E63 F8C66A: sundown
sunrise: D2594A F7B267 5A4A82 F9D9C2: dawn, morning
dusk: 4B3F72 B56A8A F0A07C 1F2544: twilight, evening
night: 5B6FD6 8A7BD8 F2C14E 27347A / 131A38 1C1638: nighttime, nocturnal, starry, star
galaxy: 7A3FB5 E0529C 4FB3E8 33206E / 140E2E 241046: space, cosmic, cosmos, nebula, universe, astronaut, rocket, planet, astronomy, celestial,
    stellar, galactic
aurora: 36C79A 7D5BD0 B6F0C9 0F5B5C / 0B1F2E 1B1740: northern lights, borealis
moon: 2F3B57 8C98B3 E8DFC4 5A5F87: lunar, moonlight, moonlit
sun: D9681C F7B52E B3392A FBE08A: sunny, sunshine, solar
forest: 24543A 5D8A4E A67C52 C4D3A2: woodland, tree, woods, nature
jungle: 14573B 3E9A4B E5A72F 0D3B3A: rainforest
meadow: 4A7F3C A8C765 F1C84B C98BB9: prairie, grass, field
garden: 3B7A4B D9698A 9CC77B F3D77E:
desert: B3562F DFA866 7C3F34 5F8A83: dune, sahara, arid
savanna: A8651F D9A648 5C5A2E 7C3321: safari
canyon: 9C3F27 D67F4A 4E2A2B E9C49A:
mountain: 3B536B 7C94A3 4C6B57 D9E1E4: alpine, hill, peak, outdoor, camping, hiking
arctic: 2D5F88 8CC3DD D3E9F0 5C7080: ice, icy, frost, frosty, glacier, polar, glacial, frozen
volcano: A8261B EC5B22 2B2022 F6A623: lava, magma
fire: B92718 F06A1D F9B72B 42161A: flame, fiery, ember, phoenix, dragon
earth: 75502F A8783F 66703F D3B98C / F3EADB 2B2119 E6D9C2: soil, earth tone, african, aztec, tribal, indigenous, desert sand
tropical: 0B7C74 F7B733 F26B5B 5BBF6A / FFFFFF FDF1D6 E2F7F3 0B3F45: tropic, hawaii, caribbean, palm, parrot, tiki, hawaiian, polynesian, caribbean beach
mediterranean: 1D5B9C C8653F E8C98B 6F8446: greek, greece, italian, italy, riviera, greek island, roman, ancient greece
spring: 4D8B4A F1A0B6 B6D97A F6DC6F: springtime
summer: 1687A7 F9B233 EF5A4C 8ED1B2 / FFFFFF FFF4D2 E6F6FA 0F4260: summery
autumn: B5512B D2812B 6A5B2C E2B659: fall, autumnal, harvest
winter: 2E5173 94B6CB 6B7F8C DCE8EE: snow, snowy, wintry
bamboo: 4C7A3B 95B45B D6C98B 2D4B34:
leaf: 397A43 86B356 C9DDA0 22492F: leafy, foliage, botanical, plant, herbal, apothecary, medicinal, irish, st patricks
sakura: B84A74 F3B3C6 7C5A4A A9C29A: cherry blossom, blossom
lavender field: 65519A A996D1 7E9A6C E6DDF2: provence
floral: A93A68 E58FA9 5E8A5B F2C76E: flower, bouquet, tulip
cactus: 3C7356 86A96B E07F6A E5CF9F: succulent
citrus: DD6A15 F8C32B 6F9A2C F7E48A: fruit, fruity, zesty, juicy
berry: 7A1E4F C23A6B 45337F F0A9BF: blueberry, strawberry
coffee shop: 4E3324 8B5E3C C9A27A EBDCC4 / F6EEE2 2A1B13 E8D9C3: cafe, espresso bar, barista, latte, coffee bean
tea: 6B7A3A B8812F 8F4A2A DDD3A8:
vineyard: 6A1F3B 97804A 5C6B3A D9C3A5: winery
bakery: 8A4F2A D9A566 C2566A F3E1C4: bread, pastry, cake, cookie
candy: C2307F F58FBC 5CC2D6 FBD35A: sweets, lollipop, cotton candy, unicorn
ice cream: E88FA6 8FD3B4 F2CF7A A9B8F0 / FFF9F2 FCEFF4: gelato, icecream, sorbet
spice: A23B1C DB8A1E 6E4A22 C7A24A: spicy, curry
wood: 74492A A9743F D2AC78 44301F: wooden, timber, woody, walnut, oak
marble: 51575E A9ADB0 B8975B E2E1DD:
concrete: 16171A FF4B1F 8C8C88 C6C6C1 / FFFFFF 121212 E3E3DF 2A2A2A: cement
granite: 45494D 83807D B4A79D 6B5650: rock
patina: A3582E D08B5B 3E7F73 5B3322: coppery
steel: 3B4B5A 7B8B98 B5C0C8 2474A8: metallic, chrome, metal, iron
leather: 6A3B22 A0683C 2F2621 D1A877: saddle
linen: 6F6653 B9AB8F 8B9A82 E6DCC6: cotton, textile
velvet: 8E2B52 5A1A4A C39A4B 26143A: satin, silk, velvety, silky, regency, cinematic
paper: 3E4A57 B3563C CDBE9F 7A8A7B: origami
ceramic: 2C5A84 C5724F DCCFB8 7D9A97: pottery, porcelain
glass: 1F6A80 74B9C4 BFE0DE 5B7FA8: crystal
jewel: 0E6B54 7A1748 20408F C99A2E: gem, gemstone, jewelry, baroque, victorian, edwardian, renaissance, opal, oriental, diwali, arabian
cyberpunk: F2168F 12D6E8 7A2BF0 F6E615 / 0D0B1E 1B0F33: cyber, blade runner
neon: FF2E93 17D9F0 A6F02A 8F4BFF / 0B0A14 16102B: neon light, glowing, fluorescent, blacklight, rave, techno, acid, club
vaporwave: FF5FB4 2CD5E6 8A4FD3 F9B48A / 2A1850 FCE9F6 1D1440 E4F6FA: aesthetic wave, iridescent, holographic, chillwave, lo fi, lofi
synthwave: FF2E97 7B2FF7 2DE2E6 FF8A3D / 190B33 2A0F4A: retrowave, outrun, darksynth
art deco: C9A24B 14594F E9D9B0 8E3B33 / 14161A F6EFDD 0E2A33: deco, gatsby, roaring twenties
art nouveau: 5E7B52 C39A4B 8C4A3C 3E5C66 / F5ECD7 22302A: jugendstil
bauhaus: D0281E 1F4E9E F2B922 1B1B1C / F6F1E6 FFFFFF 1B1B1C: primary color, de stijl, mondrian, constructivist, cubist, suprematist, material design
swiss style: E30613 111111 F4F4F4 / FFFFFF 111111 F2F2F2 E6E6E6 262626 1C1C1C DADADA: swiss, international style, helvetica, patriotic swiss, flat
    design
memphis: FF4F81 00B5AD FFC83D 5B4BDB / FFF8EC 1D1A33: memphis design
scandinavian: 3D5563 C98F6B 5F7A68 F7F5F0 / FFFFFF F5F2ED EAF0F2 2B3A42 EFE9E1 EDF1EC: nordic, scandi, hygge
japanese: B5282C 27365E C9AE84 6C7B58: japan, samurai, wabi sabi
diner: B8322A 2F8C8A F2B441 6B3A25: rockabilly
seventies: A8431C E08A1E 6C6A2A 5A2F1E / F7E9CC 2E1C12: 70s, 1970s, disco, hippie
eighties: E0347F 1BA3C6 F7C52B 5B2CA0: 80s, 1980s, arcade
nineties: 1B7A7A 7A3C9C F2A42B E8546B: 90s, 1990s
y2k: 5F8DF7 FF7BD0 9AA6BD B6F23C / F3F5FB 1A1B3A: frutiger aero, bubble gum pop
fifties: C2453F 6FB9AE F3D08B 3C5A63: 50s, 1950s, 60s, 1960s, midcentury, mid century, mid century modern, atomic age
vintage: 7A3B2B B98A3F 4E6B60 D8C29A / F4E9D3 2E2620 E8DAC0: antique, old fashioned, sepia tone, heritage
dark academia: A8824F 7A2E2E 4A5B44 5B3A26 / 1E1712 EFE4CF 2A211B: library, old books, scholarly, bookish, collegiate, preppy, ivy league, hipster
cottagecore: 7D8E4E D88C8C E3BD62 7A5C42 / FBF6E9 2F3323: cottage
solarpunk: 2F8F4E F2B632 3BB4A8 C7522A / FBF8E8 12382B:
wes anderson: D98C8C E3A33A 5FA8A2 B5463C / FBEEDC 3A2430: grand hotel
hacker: 12C46B 0B8F4A 7EE2A8 1E4D3A / 06100B 0F1A14: matrix, terminal
industrial: 3A3F44 B5602C 7D7F7C C7B79B: factory, warehouse, loft
steampunk: A87B35 5B3A20 2F4F4A 8C3D22 / 241A12 F1E4CB: clockwork
boho: A3553C D6A25E 6C7F69 C7938A: bohemian
rustic: 72442C A8562F 7A7B4E DBC49C: farmhouse, country, farm, western, cowboy, barn, shabby chic, medieval, viking, celtic, thanksgiving
gothic: D01F2E 5B4A72 6F8FC9 33203F / 141116 1F1622: goth, vampire, witchy, occult, alchemical
grunge: 3F3A34 74362B 5E6648 A39B84: punk, emo, indie, grungy
pop art: D9202F 1C6FC9 FBD022 17181C: comic, manga, anime, pixel, pixel art, 8 bit, cartoon
graffiti: E0347A 1E8FD1 F9C819 3CAE5A: street art, hip hop, skate
watercolor: 5E9CC6 D9809F 8DBB94 EDBD78: watercolour, aquarelle
military: 5B6236 8A7B52 3B3A2A B4A678: army, camouflage, camo, tactical
tokyo: D8265E 27307A 2BB7D9 F3B23C: shibuya
paris: 35456B C58F93 B39A6A 8FA1B0: french, france
morocco: B04A28 1F6F8C E0A63A 7A2F52: moroccan
mexico: C81F66 F28C1B 137F76 F6C62F: mexican, fiesta, taco
india: B8215F EE8C1A 1E7A6C 5B2A86: indian, holi
city: 34475C 8593A0 E0953B BCC6CD: urban, street, skyline
halloween: F07A1A 6B3FA0 86A82E 4B2A70 / 16121A 251436 F8EBDD: spooky
christmas: A81E2D 1D5F3C CFA548 F3E9D6: xmas, holiday, festive
valentine: B31942 E8708E F6BFC6 5C1A33: love, heart
wedding: D8B4AE 9CAB92 CBB07A 7C6A5C / FBF8F3 FFFFFF FDF3F0 26392F 4A1A2B 1E2A44: bridal
finance: 16375E 1F7A62 C2A04E 7F93A8: bank, banking, money, invest, fintech
corporate: 1A4178 3E7FBF 7FB2E0 E09A36 / FFFFFF 10233F F2F5F9: business, office, company, consulting, enterprise
technology: 1F4FD8 12A5B8 6C4BE0 2A3446: tech, digital, software, startup, robot, ai, data, cloud computing
health: 0F6F80 45B29A 7FB6DE F2836B: medical, clinic, doctor, hospital, dental, pharmacy
spa: 3F7671 9BC2B1 D9C7AE B7A0B8: zen, wellness, relax
yoga: 6A5A8C C58C84 8FAF9A E5C99B: meditation, mindful
eco: 2F7042 8CB04A 86694A CFE0B5: sustainable, ecology, ecological, environment, recycling, green energy, vegan, healthy, clean tech, green tech,
    solar power
kids: 2F6BDB FFC72C E5372F 2FAE6B / FFFFFF FFF6E2 22306B: kid, children, child, toy, kindergarten, nursery
sport: C4202E 17315F F2A71B 7B8894: sporty, athletic, fitness, gym, football, soccer, team
law: 22324D 6D2530 AF9152 8A8F98: lawyer, legal, attorney, academic, university
music: 5A2A8A E0457B 1FA0B8 F3B33E: jazz, band, guitar, dj, nightclub
gaming: 7A4BFF 16C784 E8327C 3B6BE0 / 12141F 1B1740: game, gamer, esports
royal: 432A86 B98F34 8A1538 1B1F45: king, queen, regal, crown, majestic
luxury: C9A24B E8D9B5 7A1F35 8C6D3F / 121214 F8F3E8 14261F EFE6D2: gilded age
magic: 4A2B8C A15BD0 E6B94F 2A9AA8: magical, fantasy, mystical, wizard, fairy
panda: 22262A 5F8A4B AEB4B0 D98C8C:
fox: B34A1B E98A3C 43302A F0D8BE:
lion: A3621A DDA33B 5E3A1E EFD49A: tiger
flamingo: C23B70 F6869C 2B8F95 F9C9C0:
peacock: 0F5C7A 15876B 4B36A0 C6A532:
whale: 1E4467 5B8FB0 A9C8D6 E3A57B: dolphin
owl: 5B4632 A67F4C 33405E DCC8A2:
bear: 573A28 8E6340 4F6B4A D9BE97:
bee: E0A11B 2A241E B56A1C F6DE8E: honeybee
butterfly: 6236A8 E27B2C 2D8FC4 F0B8D0:
frog: 2F7A3E 8FBF3F D95F35 1E4A3F:
pastel mix: F0A0B8 8FD0B5 F2CF82 B3A2E2 A2C8EE / FFFBF8 FDEFF3 EDF6FB: marshmallow
""")
SCENES = {key: Scene(_codes(colors.partition("/")[0]), _codes(colors.partition("/")[2])) for key, colors, _ in _SCENES}

# mood: chroma, lift, dark, restraint, warmth: scenes: other words for it
_MOODS = _rows("""
calm: 0.72 0.04 0 1 0: spa, lake: peaceful, serene, tranquil, quiet, relaxing, soothing, relaxed, harmonious
soft: 0.7 0.06 -1 0 0: spa, lavender field: pale
gentle: 0.75 0.05 -1 0 0: spa, sakura: tender
pastel: 0.9 0.06 -2 -1 0: pastel mix: macaron, baby shower, easter, girly, marshmallow soft
muted: 0.6 0 0 0 0: linen, vintage: subtle, desaturated, subdued, dusty
natural: 0.82 0 -1 0 1: leaf, forest: unbleached
earthy: 0.85 -0.02 0 0 2: earth: earthen, down to earth
dreamy: 0.8 0.07 -1 0 -1: lavender field, dusk: ethereal
romantic: 0.85 0.04 -1 0 1: valentine, floral: feminine
delicate: 0.7 0.06 -1 1 0: sakura, wedding: dainty
bold: 1.25 0 0 0 0: bauhaus, pop art: strong, powerful
vibrant: 1.3 0 0 -1 0: graffiti, tropical: loud, vivid, saturated, lively
bright: 1.2 0.05 -1 -1 0: kids, summer: brilliant
electric: 1.45 0.02 1 -1 -1: neon, technology: high voltage
neon: 1.5 0.02 2 -1 0: neon: fluorescent
energetic: 1.25 0 0 -1 1: sport, fire: dynamic, energy
playful: 1.12 0.05 -1 -1 0: kids, candy: whimsical, quirky, childlike, youthful, boyish, birthday
fun: 1.15 0.04 -1 -1 0: kids, tropical: happy, joyful, cheerful, friendly, funny
cute: 0.95 0.07 -1 -1 0: pastel mix, candy: kawaii, adorable, sweet
minimalist: 0.9 0 -1 2 0: : minimal, minimalism, minimalistic, simple
clean: 0.95 0.02 -1 1 -1: health, technology: crisp, pure, airiness
fresh: 1.1 0.04 -3 0 0: citrus, breeze: refreshing
modern: 1.05 0 0 1 -1: technology, city: contemporary, sleek, trendy, startup like, chic, slick, glossy, matte
futuristic: 1.2 0 2 0 -2: technology, synthwave: scifi, sci fi, future, retro futuristic, dystopian, futurist, glassmorphism, post apocalyptic
luxurious: 0.95 -0.02 2 1 1: luxury: luxury, premium, opulent, lavish, exclusive, glamorous, glamour, fancy, high end, upscale, boutique, michelin,
    fine dining, gourmet
elegant: 0.8 -0.02 0 1 0: velvet, marble: classy, sophisticated, graceful, refined, timeless, classic
serious: 0.75 -0.03 0 1 -1: law, finance: masculine, formal
trust: 0.95 -0.02 -1 1 -2: corporate, finance: professional, trustworthy, reliable, secure, confident, dependable, transparent, b2b, saas, healthtech,
    edtech
retro: 0.88 0 -1 -1 2: seventies, diner: old school, oldschool, throwback
nostalgic: 0.75 0 -1 0 2: vintage, fifties: faded, nostalgia
warm: 1 0 0 0 3: autumn, sun: inviting
cozy: 0.85 0 0 0 3: rustic, wood: homely, comfy, cosy, snug, homey, welcoming, warm hearted
cool: 1 0 0 0 -3: lake, winter: chilly, cold
dark: 0.95 -0.05 3 0 0: night, gothic: shadowy
light: 0.95 0.06 -3 0 0: : luminous
moody: 0.7 -0.05 3 0 0: gothic, dusk: sinister, brooding, somber
mysterious: 0.85 -0.05 3 0 -1: magic, dusk: enigmatic, mystery
dramatic: 1.1 -0.03 1 0 0: velvet, volcano: theatrical
brutalist: 1 0 0 3 0: concrete: brutalism, stark, raw
colorless: 1 0 0 4 0: : colourless, grayscale, greyscale, achromatic, gray tone, grey tone
monochrome: 1 0 0 4 0: : monochromatic, single color, one color, one hue, tone on tone, single colour, one colour, single hue
restrained: 1 0 0 2 0: : two tone, duotone
rich: 1.1 -0.05 1 0 0: jewel, velvet: deep
psychedelic: 1.35 0.02 0 -2 0: vaporwave, graffiti: trippy
colorful: 1.2 0.02 -1 -2 0: kids, graffiti: rainbow, multicolor, multicolored, colourful, pride, lgbt, carnival, mardi gras, maximalist, maximalism,
    dopamine
organic: 0.82 0 -1 0 1: leaf, earth: handcrafted, handmade, hand made, hand drawn, artisanal, artisan, wholesome, authentic, honest
sharp: 1.1 0 0 1 -1: sport, gaming: edgy, aggressive
""")
MOODS = {
    key: Mood(float(chroma), float(lift), int(dark), int(restraint), int(warmth), tuple(_list(scenes)))
    for key, figures, scenes, _ in _MOODS
    for chroma, lift, dark, restraint, warmth in (figures.split(),)
}

ALIASES = {alias: key for key, _, aliases in _SCENES for alias in _list(aliases)}
ALIASES |= {alias: key for key, _, _, aliases in _MOODS for alias in _list(aliases)}
ALIASES |= dict(pair.split("=") for pair in _list("""
grey=gray, purplish=purple, reddish=red, greenish=green, bluish=blue, golden=gold, gilded=gold, silvery=silver, offwhite=off white, snow white=white, jet
black=jet, olive green=olive, navy blue=navy, mint green=mint, sage green=sage, emerald green=emerald, cobalt blue=cobalt, midnightblue=midnight blue, mustard
yellow=mustard, cherry red=cherry, blood red=crimson, baby pink=blush, blush pink=blush, dusty pink=dusty rose, terra cotta=terracotta, lime green=lime, coral
pink=coral, royal purple=grape, burnt umber=umber, steel gray=pewter, charcoal gray=charcoal, slate gray=slate, sea green=jade, aubergine=eggplant, hot
pink=electric pink, neon pink=electric pink, neon blue=electric blue, gules=red, b&w=black and white
"""))  # fmt: skip

PLAIN = frozenset(
    {"minimalist", "brutalist", "concrete", "swiss style", "bauhaus", "modern", "scandinavian", "industrial"}
)
"""Styles whose logos have plain shapes and bold letters."""

PALE = frozenset({"pastel", "light", "soft", "pastel mix", "ice cream", "delicate", "dreamy", "gentle"})
"""Moods and scenes that have no dark ground where they lean to light ones."""

OPPOSITES = dict(pair.split("=") for pair in _list("""
dark=light, light=dark, bright=muted, vibrant=muted, neon=muted, bold=soft, electric=muted, pastel=bold, muted=vibrant, soft=bold, warm=cool, cool=warm, colorful=restrained, moody=light, earthy=clean, serious=playful
"""))  # fmt: skip
"""What "no X" asks for, where refusing a mood means wanting another."""

TINTS: dict[str, tuple[float, float]] = {
    "dark": (-0.14, 0.9), "deep": (-0.12, 1.05), "light": (0.14, 0.75), "pale": (0.2, 0.5), "bright": (0.05, 1.3), "vivid": (0.02, 1.4),
    "neon": (0.1, 1.8), "hot": (-0.04, 1.5), "pastel": (0.2, 0.6), "muted": (0.0, 0.55), "dusty": (0.02, 0.5), "soft": (0.1, 0.65),
    "electric": (0.04, 1.8), "rich": (-0.06, 1.15), "burnt": (-0.1, 0.95), "warm": (0.0, 1.0), "cool": (0.0, 1.0), "baby": (0.2, 0.6),
}  # fmt: skip
"""An adjective next to a color: what it adds to the lightness, and its factor on the chroma (OKLCH)."""

REGIONS: dict[str, Region] = {
    "red": Region(2, 49, 0.0, 1.0, 0.02), "pink": Region(325, 22, 0.42), "orange": Region(40, 76, 0.5, 1.0, 0.06),
    "brown": Region(22, 98, 0.0, 0.64, 0.012), "yellow": Region(74, 118, 0.58), "gold": Region(70, 105, 0.5),
    "green": Region(109, 178), "lime": Region(108, 140), "teal": Region(168, 222), "turquoise": Region(168, 222),
    "cyan": Region(180, 228), "blue": Region(213, 288), "purple": Region(280, 338), "violet": Region(280, 330),
    "magenta": Region(318, 2), "beige": Region(50, 110, 0.75, 1.0, 0.012),
    "warm": Region(340, 112), "cool": Region(125, 325),
}  # fmt: skip
"""What refusing a basic color rules out, and what is left where only that is wanted; others have their surroundings."""

NO, NO_BEFORE, ONLY, AND, STOP, FILL, GROUND = "no", "no before", "only", "and", "stop", "fill", "background"
_FUNCTIONS = {
    NO: "no, not, non, without, avoid, avoiding, never, except, excluding, exclude, minus, dislike, hate, skip, omit, omitting, lacking, dont, cannot, nothing, "
    "zero, sans, ohne, kein, keine, keinen, keinem, nicht, sin, senza, sem, pas, aucun, aucune, niente, nada, sem nada de, без, не, нет, никакого, никаких, "
    "بدون, بلا, دون, من غير, 不要, 没有, 沒有, 不用, 無, 无, 不, nie, zonder, geen, any color but, anything but, everything but, free of, devoid of",
    NO_BEFORE: "free, なし, 抜き, 以外, ない, 無し, 禁止",
    ONLY: "only, no color except, no colors except, no color but, nothing except, solely, exclusively, purely, just, nothing but, nothing else, no other color, "
    "no other colour, no other, not anything but, nur, ausschließlich, bloß, seulement, uniquement, rien que, solo, solamente, únicamente, unicamente, "
    "soltanto, solamente, apenas, somente, unicamente, только, лишь, исключительно, فقط, だけ, のみ, 只, 仅, 僅, 只有, 只要, 只用, alleen, 만",
    AND: "and, or, nor, und, oder, et, ou, ni, y, o, e, ed, и, или, و, أو, と, や, 和, 与, 及, 或, と, en, &, +, /",
    STOP: "but, yet, instead, with, plus, however, rather, then, while, including, prefer, mit, aber, avec, mais, con, pero, ma, com, mas, с, со, но, مع, لكن, で, "
    "但, 配",
    FILL: "a, an, any, anything, all, the, hint, trace, touch, of, too, much, more, so, very, really, use, using, shade, tone, color, colour, kind, single, bit, "
    "to, be, is, it, me, i, we, want, wanted, like, have, has, include, included, see, make, made, please, even, at, in, on, overly, that, which, look, "
    "feel, for, our, my, your, this, style, styled, theme, themed, palette, scheme, vibe, mood, brand, logo, design, combination, mix, accent, detail, "
    "primary, secondary, main, background color, inspired, from, by, as, are, or so, der, die, das, den, dem, ein, eine, im, farbe, farben, töne, ton, le, "
    "la, les, l, de, du, des, un, une, couleur, couleurs, tons, el, los, las, una, color, colores, tonos, il, lo, gli, i, colore, colori, toni, os, as, "
    "uma, cor, cores, tons, do, da, в, на, цвет, цвета, цветов, тона, ال, لون, ألوان, اللون, 色, の, な, に, を, は, が, 的, 色调, カラー, poster, shop, hotel, bar, "
    "gradient, flat, toned, abstract, geometric, mode, branding, packaging, feeling, identity, hue, value, hex, rgb, code, s",
    GROUND: "background, backdrop, ground, hintergrund, fond, fondo, sfondo, fundo, фон, фоне, خلفية, 背景, 地",
}
FUNCTIONS = {word: kind for kind, text in reversed(_FUNCTIONS.items()) for word in _list(text)}
"""Words that say how the others are meant."""

# Each language: the endings that its words may take, and its words; `=>` marks an adjective that follows its color.
_DE = """
rot=red, blau=blue, grün=green, gruen=green, gelb=yellow, lila=purple, violett=violet, rosa=pink, braun=brown, grau=gray, schwarz=black, weiß=white, golden=gold,
silbern=silver, silber=silver, türkis=turquoise, lachs=salmon, lachsrosa=salmon, lachsfarben=salmon, zitronengelb=lemon, sonnengelb=canary, senfgelb=mustard, goldgelb=marigold, bordeauxrot=burgundy, kirschrot=cherry, rostrot=rust, ziegelrot=brick, feuerrot=scarlet, blutrot=crimson, himbeerrot=raspberry, altrosa=dusty rose, petrolblau=petrol, königsblau=royal blue, nachtblau=midnight blue, kobaltblau=cobalt, moosgrün=moss, smaragdgrün=emerald, tannengrün=pine, waldgrün=forest green, olivgrün=olive, mintgrün=mint, salbeigrün=sage, salbei=sage, schneeweiß=white, anthrazitgrau=charcoal, schokoladenbraun=chocolate, kastanienbraun=chestnut, neongrün=neon green, neongelb=neon yellow, neonpink=electric pink, pfirsich=peach, creme=cream, bordeaux=burgundy, weinrot=wine, himmelblau=sky blue, marineblau=navy, dunkelblau=navy, kupfer=copper,
smaragd=emerald, senf=mustard, flieder=lilac, koralle=coral, oliv=olive, minze=mint, anthrazit=charcoal, rost=rust, helle=light, heller=light, helles=light,
hellen=light, dunkel=dark, bunt=colorful, farbenfroh=colorful, schlicht=minimalist, minimalistisch=minimalist, skandinavisch=scandinavian, tropisch=tropical,
herbstlich=autumn, sommerlich=summer, edel=luxurious, luxuriös=luxurious, kühl=cool, verspielt=playful, erdig=earthy, erdtöne=earthy, nacht=night, meer=ocean,
wald=forest, herbst=autumn, frühling=spring, sommer=summer, wüste=desert, sonnenuntergang=sunset, ruhig=calm, frisch=fresh, natürlich=natural, geheimnisvoll=mysterious,
fröhlich=fun, kräftig=bold, sanft=soft, zart=delicate, einfarbig=monochrome, leuchtend=vivid, elegant=elegant, modern=modern, warm=warm, pastell=pastel, kinder=kids,
gemütlich=cozy
"""
_FR = """
rouge=red, bleu=blue, vert=green, jaune=yellow, pourpre=purple, marron=brown, brun=brown, gris=gray, noir=black, blanc=white, blanche=white, et or=gold, en or=gold,
dor=gold, lor=gold, or et=gold, doré=gold, argent=silver, argenté=silver, vert sapin=pine, vert forêt=forest green, vert olive=olive, vert émeraude=emerald, vert menthe=mint, vert sauge=sage, bleu canard=petrol, bleu pétrole=petrol, bleu roi=royal blue, bleu pâle=powder blue, jaune citron=lemon, jaune moutarde=mustard, rouge cerise=cherry, rouge brique=brick, rose poudré=blush, vieux rose=dusty rose, gris perle=pearl, vert fluo=neon green, bleu marine=navy, bleu ciel=sky blue, bleu nuit=midnight blue, bordeaux=burgundy, crème=cream,
sable=sand, saumon=salmon, corail=coral, moutarde=mustard, lilas=lilac, lavande=lavender, menthe=mint, cuivre=copper, rouille=rust, émeraude=emerald, clair=>light,
foncé=>dark, pâle=>pale, vif=>vivid, vive=>vivid, sombre=dark, nuit=night, mer=ocean, forêt=forest, automne=autumn, printemps=spring, hiver=winter, coucher de
soleil=sunset, chaud=warm, froid=cool, doux=soft, douce=soft, élégant=elegant, luxe=luxurious, moderne=modern, épuré=minimalist, minimaliste=minimalist, terreux=earthy,
enfant=kids, joyeux=fun, chaleureux=cozy
"""
_ROMANCE = """
rojo=red, azul=blue, verde=green, amarillo=yellow, naranja=orange, anaranjado=orange, morado=purple, púrpura=purple, violeta=violet, rosa=pink, rosado=pink,
marrón=brown, gris=gray, negro=black, blanco=white, dorado=gold, oro=gold, plateado=silver, plata=silver, turquesa=turquoise, beis=beige, crema=cream, granate=burgundy,
burdeos=burgundy, celeste=sky blue, azul marino=navy, azul cielo=sky blue, cobre=copper, arena=sand, mostaza=mustard, oliva=olive, esmeralda=emerald, menta=mint,
lavanda=lavender, claro=>light, amarillo limón=lemon, verde bosque=forest green, verde oliva=olive, verde esmeralda=emerald, verde menta=mint, verde neón=neon green, azul petróleo=petrol, azul real=royal blue, azul noche=midnight blue, rosa chicle=bubblegum, rosa palo=dusty rose, rojo vino=wine, rojo cereza=cherry, verde bosco=forest green, verde smeraldo=emerald, giallo limone=lemon, blu petrolio=petrol, blu notte=midnight blue, rosso corallo=coral, rosso ciliegia=cherry, rosa antico=dusty rose, oscuro=>dark, pálido=>pale, noche=night, mar=ocean, océano=ocean, bosque=forest, otoño=autumn, primavera=spring, verano=summer,
invierno=winter, desierto=desert, atardecer=sunset, playa=beach, cálido=warm, frío=cool, suave=soft, elegante=elegant, lujo=luxurious, lujoso=luxurious, moderno=modern,
minimalista=minimalist, tranquilo=calm, fresco=fresh, infantil=kids, terroso=earthy, tierra=earth, monocromo=monochrome, monocromático=monochrome, alegre=fun,
vibrante=vibrant, brillante=bright, rosso=red, blu=blue, azzurro=azure, giallo=yellow, arancione=orange, arancio=orange, viola=purple, porpora=purple, marrone=brown,
grigio=gray, nero=black, bianco=white, bianchi=white, bianche=white, dorato=gold, argento=silver, argentato=silver, turchese=turquoise, panna=cream, bordò=burgundy, blu
notte=midnight blue, rame=copper, sabbia=sand, senape=mustard, smeraldo=emerald, corallo=coral, salmone=salmon, chiaro=>light, scuro=>dark, notte=night, mare=ocean,
bosco=forest, foresta=forest, autunno=autumn, inverno=winter, deserto=desert, tramonto=sunset, spiaggia=beach, caldo=warm, freddo=cool, lusso=luxurious,
minimale=minimalist, tranquillo=calm, vivace=vibrant, terra=earth, vermelho=red, amarelo=yellow, laranja=orange, roxo=purple, cor de rosa=pink, marrom=brown,
castanho=brown, cinza=gray, cinzento=gray, preto=black, branco=white, dourado=gold, ouro=gold, prateado=silver, prata=silver, bege=beige, creme=cream, vinho=wine,
bordô=burgundy, azul marinho=navy, verde floresta=forest green, verde limão=lime, amarelo limão=lemon, azul petróleo=petrol, vermelho vinho=wine, rosa chiclete=bubblegum, areia=sand, mostarda=mustard, lilás=lilac, escuro=>dark, noite=night, oceano=ocean, floresta=forest, outono=autumn, verão=summer,
praia=beach, pôr do sol=sunset, quente=warm, frio=cool, luxo=luxurious, tons terrosos=earthy, marinho=navy, marino=navy
"""
_RU = """
красн=red, син=blue, голуб=sky blue, зелён=green, жёлт=yellow, оранжев=orange, фиолетов=purple, пурпурн=purple, сиренев=lilac, розов=pink, коричнев=brown, сер=gray,
чёрн=black, бел=white, золот=gold, золотист=gold, серебрист=silver, серебрян=silver, бирюзов=turquoise, бежев=beige, кремов=cream, бордов=burgundy, изумрудн=emerald,
мятн=mint, лавандов=lavender, оливков=olive, песочн=sand, медн=copper, горчичн=mustard, кораллов=coral, светл=light, тёмн=dark, ярк=bright, тёпл=warm, холодн=cool,
нежн=soft, пастельн=pastel, монохромн=monochrome, чёрно бел=black white, современн=modern, минималистичн=minimalist, роскошн=luxurious, винтажн=vintage, осенн=autumn,
морск=ocean, ночн=night, лесн=forest, детск=kids, спокойн=calm, элегантн=elegant, неонов=neon, земн=earthy, уютн=cozy
"""
_RU_NOUNS = """
золото=gold, золотом=gold, серебро=silver, море=ocean, ночь=night, лес=forest, осень=autumn, зима=winter, лето=summer, весна=spring, закат=sunset, пустыня=desert,
минимализм=minimalist, ретро=retro, неон=neon, пастель=pastel, беж=beige
"""
_AR = """
أحمر=red, حمراء=red, أزرق=blue, زرقاء=blue, أخضر=green, خضراء=green, أصفر=yellow, صفراء=yellow, برتقالي=orange, بنفسجي=purple, أرجواني=purple, وردي=pink, زهري=pink,
بني=brown, رمادي=gray, أسود=black, سوداء=black, أبيض=white, بيضاء=white, ذهبي=gold, ذهب=gold, فضي=silver, فضة=silver, فيروزي=turquoise, تركواز=turquoise, بيج=beige,
كحلي=navy, كريمي=cream, عنابي=burgundy, نحاسي=copper, زيتوني=olive, سماوي=sky blue, نعناعي=mint, رملي=sand, فاتح=>light, غامق=>dark, داكن=>dark, ليل=night, بحر=ocean,
صحراء=desert, غابة=forest, دافئ=warm, هادئ=calm, عصري=modern, حديث=modern, فاخر=luxurious, بسيط=minimalist, أنيق=elegant, طبيعي=natural, خريف=autumn, ربيع=spring,
صيف=summer
"""
_TOGETHER = """
赤=red, 青=blue, 緑=green, 黄=yellow, 橙=orange, オレンジ=orange, 紫=purple, ピンク=pink, 桃色=pink, 茶色=brown, 茶=brown, 灰=gray, グレー=gray, 黒=black, 白=white, 金=gold, ゴールド=gold,
銀=silver, シルバー=silver, 水色=sky blue, 紺=navy, 藍=indigo, ベージュ=beige, クリーム=cream, ターコイズ=turquoise, ミント=mint, ラベンダー=lavender, レッド=red, ブルー=blue, グリーン=green, イエロー=yellow,
パープル=purple, ブラウン=brown, ブラック=black, ホワイト=white, ネイビー=navy, 明るい=bright, 暗い=dark, 淡い=pale, 濃い=deep, 深い=deep, 薄い=pale, 東京=tokyo, 东京=tokyo, 夕日=sunset, 夕焼け=sunset,
日落=sunset, 砂漠=desert, 沙漠=desert, 宇宙=galaxy, 日本=japanese, 和風=japanese, モダン=modern, シンプル=minimalist, ミニマル=minimalist, レトロ=retro, ネオン=neon, パステル=pastel, 高級=luxurious,
かわいい=cute, 可愛い=cute, 暖かい=warm, 涼しい=cool, 自然=natural, 夜=night, 海=ocean, 森=forest, 桜=sakura, 樱=sakura, 竹=bamboo, 山=mountain, 雪=winter, 春=spring, 夏=summer, 秋=autumn,
冬=winter, 月=moon, モノクロ=monochrome, 白黒=black white, 黑白=black white, 黒白=black white, 抹茶=matcha, 朱=vermilion, 単色=monochrome, 红=red, 紅=red, 蓝=blue, 藍色=blue, 绿=green,
綠=green, 黃=yellow, 粉=pink, 粉红=pink, 棕=brown, 褐=brown, 黑=black, 银=silver, 天蓝=sky blue, 深蓝=navy, 藏青=navy, 米色=beige, 酒红=burgundy, 墨绿=forest green, 薄荷=mint, 橄榄=olive,
珊瑚=coral, 咖啡=coffee, 浅=light, 淡=pale, 深=deep, 暗=dark, 亮=bright, 极简=minimalist, 極簡=minimalist, 简约=minimalist, 现代=modern, 現代=modern, 复古=vintage, 奢华=luxurious, 可爱=cute,
温暖=warm, 冷=cool, 单色=monochrome, 森林=forest, 夜晚=night, 빨강=red, 빨간=red, 파랑=blue, 파란=blue, 초록=green, 노랑=yellow, 검정=black, 흰=white, 하양=white, 분홍=pink, 보라=purple, 회색=gray,
금색=gold, 바다=ocean, 밤=night
"""
_ARABIC_BEFORE = ("", "ال", "و", "وال", "ب", "بال", "وب")
_LANGUAGES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (_ROMANCE, ("",), ("", "s", "es")), (_FR, ("",), ("", "e", "s", "es")),
    (_DE, ("",), ("", "e", "er", "es", "en", "em", "ne", "nen")),
    (_RU, ("",), ("ый", "ий", "ой", "ая", "яя", "ое", "ее", "ые", "ие", "ого", "его", "ому", "ему", "ым", "им", "ую",
                  "юю", "ей", "ых", "их", "ыми", "ими", "о", "ом", "ем")),
    (_RU_NOUNS, ("",), ("",)), (_AR, _ARABIC_BEFORE, ("", "ة", "ه")),
)  # fmt: skip
_O_ENDINGS = ("o", "a", "os", "as", "i", "e")


def foreign_words() -> dict[str, str]:
    """Words of other languages with spaces, in every form they take, and ours for them; `>` before those that follow."""
    forms: dict[str, str] = {}
    for table, before, after in _LANGUAGES:
        for word, meaning in (pair.split("=", 1) for pair in _list(table)):
            stems = [word[:-1]] if table is _ROMANCE and word.endswith("o") else [word]
            endings = _O_ENDINGS if stems[0] != word else after
            forms |= {f"{start}{stem}{end}": meaning for start in before for stem in stems for end in endings}
    forms |= {f"و{word}": meaning for word, meaning in forms.items() if word in {"بدون", "فقط"}}
    return forms


def words_written_together() -> dict[str, str]:
    """Words of scripts that are written without spaces, and ours for them."""
    return dict(pair.split("=", 1) for pair in _list(_TOGETHER))
