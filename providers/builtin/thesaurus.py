# ruff: noqa: RUF001 - words of many scripts: Cyrillic letters look like Latin ones
"""Everyday nouns and the symbols that stand for them.

Only symbols listed here are ever drawn. The icon set also holds interface signs ("check", "menu") and a few marks of
companies and films; a sample logo must show neither, so nothing is looked up by its name alone.
"""

from __future__ import annotations

from functools import cache

# symbol: the words and phrases it stands for. The first symbol that claims a word keeps it.
_WORDS: dict[str, str] = {
    # animals
    "panda": "panda, 熊猫, 熊貓, パンダ, oso panda",
    "fox": "fox, vixen, 狐狸, キツネ, zorro, renard, fuchs, лиса",
    "bear": "bear, grizzly, 熊, oso, bär, медведь",
    "lion": "lion, lioness, león, löwe, 狮子, 獅子, ライオン, лев, أسد",
    "cat": "cat, kitten, kitty, feline, 猫, 貓, ねこ, gato, chat noir, katze, кот, кошка, قطة",
    "dog": (
        "dog, puppy, pup, canine, hound, terrier, labrador, bulldog, 狗, 犬, いぬ, perro, chien, hund, собака, كلب"
    ),
    "elephant": "elephant, mammoth, 大象, elefante, слон",
    "koala": "koala",
    "owl": "owl, 猫头鹰, búho, hibou, eule, сова",
    "rabbit": "rabbit, bunny, hare, 兔子, conejo, lapin, hase, кролик",
    "horse": "horse, pony, stallion, mustang, stable, equestrian, 马, 馬, caballo, cheval, pferd, лошадь, حصان",
    "cow": "cow, cattle, bull, ox, dairy, ranch, bison, buffalo",
    "pig": "pig, piglet, hog, boar, pork",
    "sheep": "sheep, lamb, wool, flock, shepherd, goat",
    "penguin": "penguin, 企鹅",
    "bird": (
        "bird, swallow, sparrow, robin, hawk, falcon, eagle, dove, pigeon, raven, crow, hummingbird, parrot, "
        "finch, 鸟, 鳥, pájaro, oiseau, vogel, птица, طائر"
    ),
    "duck": "duck, goose, swan, duckling",
    "turkey": "turkey, thanksgiving",
    "fish": (
        "fish, salmon, tuna, trout, seafood, fishery, fishmonger, aquarium, 鱼, 魚, pescado, poisson, fisch, рыба, سمك"
    ),
    "dolphin": "dolphin, whale, orca, porpoise",
    "shark": "shark",
    "jellyfish": "jellyfish, medusa, octopus, squid",
    "turtle": "turtle",
    "tortoise": "tortoise",
    "snake": "snake, serpent, python, cobra, viper",
    "snail": "snail, slug",
    "bee": "bee, hive, honey, apiary, 蜜蜂",
    "beekeeper": "beekeeper",
    "butterfly": "butterfly, moth, 蝴蝶, mariposa, papillon, schmetterling",
    "ladybug": "ladybug, ladybird, beetle",
    "spider": "spider, tarantula",
    "kangaroo": "kangaroo, wallaby",
    "donkey": "donkey, mule",
    "unicorn": "unicorn, mythical",
    "rodent": "rat, hamster, rodent, mice, squirrel",
    "paw": (
        "pet, paw, tiger, wolf, puma, panther, leopard, cheetah, jaguar, bobcat, lynx, vet, veterinarian, "
        "veterinary, animal, grooming, kennel, zoo, wildlife, safari"
    ),
    "bone": "bone",
    "feather": "feather, plume, quill, peacock",
    "egg": "egg, eggs",
    "shark-fin": "fin",
    # plants and nature
    "leaf": (
        "leaf, leaves, leafy, vegan, organic, herbal, botanical, bamboo, eco, plant based, foliage, 叶, 竹, "
        "hoja, feuille, blatt"
    ),
    "leaf-maple": "maple, autumn, canada",
    "tree": "tree, oak, orchard, arborist, elm, ash tree, 树, 樹, árbol, arbre, baum, дерево, شجرة",
    "pine-tree": (
        "pine, fir, spruce, cedar, evergreen, forest, woods, woodland, timber, lumber, christmas tree, 森林, "
        "bosque, forêt, wald, лес"
    ),
    "palm-tree": "palm, coconut, tropical, tropics, caribbean, oasis",
    "flower": "flower, florist, floral, blossom, bloom, daisy, petal, bouquet, 花, flor, fleur, blume, цветок, زهرة",
    "flower-tulip": "tulip",
    "flower-poppy": "poppy",
    "spa": "lotus, spa, massage, wellness, aromatherapy, serenity",
    "sprout": (
        "sprout, seedling, plant, nursery, grow, growth, garden, gardening, gardener, sustainable, "
        "sustainability, green energy"
    ),
    "seed": "seed",
    "clover": "clover, shamrock, irish, lucky, luck",
    "cactus": "cactus, desert, succulent, cacti",
    "mushroom": "mushroom, fungi, fungus, truffle",
    "grass": "grass, lawn, meadow, prairie",
    "barley": "barley, wheat, grain, rye, harvest, oat",
    "corn": "corn, maize",
    "hops": "hops, hop",
    "mountain": (
        "mountain, alpine, alps, peak, summit, ridge, hill, highland, everest, sierra, 山, montaña, montagne, "
        "berg, гора, جبل"
    ),
    "volcano": "volcano, lava",
    "island": "island, isle",
    "beach": "beach, seaside, coast, shore",
    "waves": "wave, sea, ocean, tide, surf, river, lake, stream, bay, marina, 海, mar, mer, meer, море, بحر",
    "water": "water, drop, droplet, plumber, plumbing, rain, hydration, dew, 水, agua, eau, wasser, вода, ماء",
    "waterfall": "waterfall, cascade, falls",
    "fire": "fire, flame, ember, blaze, burn, 火, fuego, feu, feuer, огонь",
    "campfire": "campfire, bonfire, camp, camping, scout",
    "tent": "tent, camp site, campground, glamping",
    "snowflake": "snow, snowflake, ice, frost, frozen, winter, arctic, freeze, cool, 雪",
    "white-balance-sunny": "sun, sunny, summer, sunshine, solar, 太阳, 太陽, sol, soleil, sonne, солнце, شمس",
    "weather-sunset-up": "sunrise, dawn, morning, sunset, dusk, horizon, aurora",
    "moon-waning-crescent": "moon, lunar, night, midnight, crescent, 月, luna, lune, mond, луна, قمر",
    "cloud": "cloud, sky, 云, 雲, nube, nuage, wolke",
    "lightning-bolt": "lightning, thunder, electric, electrical, electrician, energy, voltage, power, bolt, spark",
    "star": "star, stellar, 星, estrella, étoile, stern, звезда, نجمة",
    "star-shooting": "comet, meteor, shooting star, wish",
    "earth": "earth, globe, world, global, planet earth, international, travel agency, 地球",
    "orbit": "orbit, cosmos, cosmic, galaxy, universe, space, astronomy",
    "telescope": "telescope, observatory",
    "weather-windy": "wind, breeze",
    "weather-tornado": "tornado, storm, hurricane, cyclone",
    "looks": "rainbow",
    # food and drink
    "coffee": (
        "coffee, cafe, café, espresso, latte, cappuccino, barista, mocha, roaster, roastery, 咖啡, コーヒー, "
        "kaffee, кофе, قهوة"
    ),
    "tea": "tea, teahouse, chai, matcha, kombucha, 茶, té, thé, tee, чай, شاي",
    "beer": "beer, brewery, brewing, ale, lager, pub, taproom, craft beer, 啤酒, cerveza, bière, bier, пиво",
    "glass-wine": "wine, vineyard, winery, sommelier, merlot, 葡萄酒, 酒, vino, wein, вино",
    "glass-cocktail": "cocktail, bar, martini, mixology, gin, lounge, nightclub",
    "bottle-wine": "bottle, liquor",
    "cup": "smoothie, juice, soda, drink, beverage, lemonade",
    "baguette": (
        "bakery, baker, bread, baguette, boulangerie, loaf, sourdough, crumb, 面包, 麵包, パン, panadería, "
        "pan dulce, bäckerei, хлеб, خبز"
    ),
    "food-croissant": "croissant, pastry, patisserie, pâtisserie, viennoiserie, brioche",
    "bread-slice": "toast, sandwich, deli",
    "cupcake": "cupcake, muffin, dessert, sweets, frosting",
    "cake-variant": "cake, birthday, wedding cake, 蛋糕, pastel de, gâteau, kuchen",
    "cookie": "cookie, biscuit",
    "candy": "candy, sweet shop, confectionery, lollipop",
    "ice-cream": "ice cream, gelato, sorbet, icecream, gelateria, sundae, 冰淇淋, helado, glace, eis",
    "ice-pop": "popsicle",
    "pizza": "pizza, pizzeria, 披萨, пицца, بيتزا",
    "hamburger": "burger, hamburger, fast food, 汉堡",
    "food-hot-dog": "hot dog, hotdog",
    "french-fries": "fries, chips",
    "taco": "taco, mexican, taqueria, burrito",
    "noodles": "noodle, ramen, pho, udon, 面, 麺, ラーメン",
    "pasta": "pasta, spaghetti, italian, trattoria",
    "rice": "rice, sushi, bento, 寿司, 米",
    "bowl-mix": "salad, bowl, poke bowl, granola, cereal",
    "pot-steam": "soup, stew, cook, cooking, kitchen, broth, cuisine",
    "silverware-fork-knife": (
        "restaurant, diner, bistro, eatery, dining, food, meal, lunch, dinner, catering, brasserie, 餐厅, 餐館, "
        "restaurante, ресторан, مطعم"
    ),
    "chef-hat": "chef, culinary, gourmet, private chef",
    "grill": "barbecue, bbq, grill, smokehouse",
    "food-steak": "steak, steakhouse, butcher, meat, beef",
    "food-drumstick": "chicken, drumstick, wings, poultry, rooster, hen",
    "cheese": "cheese, fromagerie, creamery",
    "food-apple": "apple, cider, 苹果, 蘋果, manzana, pomme, apfel, яблоко, تفاحة",
    "fruit-cherries": "cherry, cherries, berry, blueberry, strawberry, raspberry, fruit, jam",
    "fruit-citrus": "citrus, lemon, lime, orange juice, grapefruit, tangerine",
    "fruit-grapes": "grape, vine",
    "fruit-pear": "pear, avocado",
    "fruit-pineapple": "pineapple",
    "fruit-watermelon": "watermelon, melon",
    "carrot": "carrot, vegetable, veggie, farmers market, grocer, greengrocer",
    "chili-hot": "chili, pepper, spice, spicy, curry, hot sauce, salsa",
    "pumpkin": "pumpkin, squash",
    "peanut": "peanut, nut, almond, cashew",
    "pretzel": "pretzel",
    "popcorn": "popcorn",
    "kettle": "kettle, teapot",
    # buildings and places
    "home-variant": (
        "house, home, real estate, realtor, realty, property, housing, mortgage, residence, 家, 房子, casa, "
        "maison, haus, дом, بيت"
    ),
    "home-roof": "roof, roofing, roofer",
    "home-city": "city, town, urban, downtown, neighborhood",
    "office-building": (
        "office, building, skyscraper, tower, coworking, headquarter, corporate, architect, architecture, condo, "
        "apartment"
    ),
    "castle": "castle, fortress, kingdom, palace, medieval, citadel, 城堡, château, schloss, замок",
    "lighthouse": "lighthouse, beacon, 灯塔, faro, phare, leuchtturm, маяк",
    "barn": "barn, farm, farmhouse, homestead, farmer, agriculture, 农场, granja, ferme, bauernhof, ферма",
    "silo": "silo",
    "greenhouse": "greenhouse",
    "factory": "factory, industry, industrial, manufacturing, manufacturer, mill, plant machinery",
    "warehouse": "warehouse, storage, logistics center",
    "store": (
        "store, shop, market, boutique, retail, grocery, supermarket, kiosk, 店, tienda, magasin, laden, магазин, متجر"
    ),
    "bank": (
        "bank, museum, government, institute, finance, financial, banking, treasury, parthenon, court house, "
        "银行, banco, банк"
    ),
    "hospital-building": "hospital",
    "school": (
        "university, college, academy, graduate, graduation, education, student, diploma, campus, scholarship, "
        "大学, universidad, université"
    ),
    "church": "church, chapel, parish, ministry, cathedral",
    "mosque": "mosque",
    "synagogue": "synagogue",
    "temple-buddhist": "temple, pagoda, shrine, zen, buddhist",
    "torch": "torch",
    "bridge": "bridge, 桥, puente, pont, brücke, мост",
    "wind-turbine": "windmill, wind power, wind farm, turbine, renewable",
    "eiffel-tower": "paris, eiffel tower",
    "pyramid": "pyramid, egypt",
    "stadium": "stadium, arena",
    "bed": "bed, hotel, hostel, motel, inn, mattress, sleep, bedroom, bed and breakfast, lodge, 酒店",
    "cabin-a-frame": "cabin, chalet, cottage, hut",
    "yurt": "yurt",
    "fountain": "fountain",
    "gate": "gate",
    "door": "door, carpenter door",
    "map": "map, atlas, cartography",
    "theater": "theater, theatre",
    "ferris-wheel": "amusement park, ferris wheel, carnival, fair",
    # travel and transport
    "rocket-launch": (
        "rocket, launch, startup, start up, spaceship, spacecraft, nasa, 火箭, cohete, fusée, rakete, ракета, صاروخ"
    ),
    "ufo": "ufo, flying saucer",
    "satellite-variant": "satellite",
    "airplane": (
        "airplane, plane, flight, aviation, airline, pilot, airport, travel, trip, aircraft, jet, 飞机, avión, "
        "avion, flugzeug, самолет"
    ),
    "helicopter": "helicopter",
    "quadcopter": "drone, quadcopter",
    "parachute": "parachute, skydive, skydiving",
    "paragliding": "paragliding, paraglider",
    "airballoon": "hot air balloon, balloon ride, airballoon",
    "car": (
        "car, auto, automobile, taxi, automotive, vehicle, dealership, garage, mechanic, driving, 汽车, coche, "
        "voiture, авто, سيارة"
    ),
    "truck": "truck, moving, haul, hauling, freight, delivery, courier, shipping, logistics, trucking",
    "van-utility": "van, camper, campervan, rv",
    "bus": "bus, coach tour, shuttle",
    "train": "train, railway, railroad, metro, subway, locomotive, rail",
    "tram": "tram, streetcar",
    "bike": "mountain bike, cycling, cyclist, biker club, velo, bmx, 自行车",
    "bicycle": "bicycle, bike, cycle, pedal, bicicleta, vélo, fahrrad, велосипед",
    "motorbike": "motorcycle, motorbike, biker, moto",
    "scooter": "scooter, vespa",
    "sail-boat": (
        "sailing, sailboat, boat, yacht, regatta, ship, nautical, sail, navy, barco, bateau, schiff, корабль"
    ),
    "ship-wheel": "captain, helm, cruise, ship wheel",
    "anchor": "anchor, maritime, marine, harbor, harbour, port, sailor, 锚, ancla, ancre, anker, якорь",
    "ferry": "ferry",
    "kayaking": "kayak, kayaking, canoe, rafting, paddle",
    "rowing": "rowing, row, crew rowing",
    "compass": "compass, navigation, explorer, expedition, adventure, voyage, journey, wanderlust",
    "compass-rose": "compass rose, wayfinding",
    "bag-suitcase": "suitcase, luggage, baggage, tourism, tourist, vacation, holiday",
    "bag-personal": "backpack, rucksack",
    "road-variant": "road, highway, route, street, path",
    "tractor": "tractor, farming",
    "excavator": "excavator, demolition, earthworks",
    "bulldozer": "bulldozer",
    "crane": "crane",
    "ambulance": "ambulance, paramedic, emergency",
    "fire-truck": "fire truck, firefighter, fireman, fire brigade",
    "tire": "tire, wheel, tyre",
    "gas-station": "gas station, fuel, petrol",
    "ev-station": "charging station, electric car",
    "submarine": "submarine",
    # professions and trades
    "scale-balance": (
        "law, lawyer, attorney, legal, justice, law firm, barrister, solicitor, notary, court, 律师, 法律, "
        "abogado, avocat, anwalt, адвокат"
    ),
    "gavel": "gavel, judge, auction",
    "tooth": (
        "dentist, dental, tooth, teeth, orthodontist, orthodontic, smile, 牙医, 牙, dentista, dentiste, "
        "zahnarzt, стоматолог"
    ),
    "stethoscope": "doctor, clinic, physician, medical, healthcare, pediatric, pediatrician, medicine, nurse, 医生",
    "pill": "pharmacy, pharmacist, drug store, pill, apothecary, vitamin",
    "heart-pulse": "cardiology, cardio, health",
    "medical-bag": "first aid",
    "brain": (
        "brain, psychology, psychologist, therapist, therapy, neuroscience, mind, mental, neural, cognitive, ai, "
        "artificial intelligence"
    ),
    "eye": "eye, optician, optometrist, vision, optical, ophthalmology",
    "glasses": "eyewear, glasses, spectacles, glasses shop",
    "ear-hearing": "hearing, ear",
    "wheelchair": "wheelchair",
    "dna": "dna, genetic, genetics, biotech, genome, biotechnology",
    "flask": "chemistry, laboratory, lab, science, flask, chemical, research, scientist, potion, alchemy",
    "test-tube": "test tube",
    "microscope": "microscope, biology, microbiology",
    "atom": "atom, physics, nuclear, quantum",
    "molecule": "molecule, pharma, pharmaceutical",
    "content-cut": "barber, scissors, haircut, hairdresser, hairdressing, hair, tailor, barbershop, hair salon",
    "mustache": "mustache, moustache, beard, gentleman",
    "razor-double-edge": "shave, razor",
    "lipstick": "lipstick, makeup, cosmetic, beauty, salon, beautician",
    "mirror": "mirror",
    "bottle-tonic": "perfume, fragrance, skincare, lotion",
    "needle": "sewing, needle, embroidery, seamstress, knitting, stitch, yarn, textile, quilt, fabric",
    "hanger": "fashion, clothing, clothes, apparel, dress, wardrobe, outfit, laundry, dry cleaning",
    "tshirt-crew": "tshirt, t shirt, shirt, merch",
    "shoe-sneaker": "sneaker, shoe, footwear, trainers",
    "shoe-heel": "heels, stiletto",
    "shoe-cleat": "cleat",
    "hat-fedora": "hat, fedora, detective, haberdashery, mafia",
    "bow-tie": "bow tie, butler, tuxedo, formalwear",
    "necklace": "necklace, bead",
    "ring": "ring, engagement, wedding, bridal, marriage, bride",
    "diamond-stone": "diamond, jewel, jeweler, jewelry, jewellery, gem, gemstone, crystal, luxury, 钻石",
    "watch": "watch, watchmaker, wristwatch",
    "hammer": "hammer, carpenter, carpentry, blacksmith, forge",
    "hammer-wrench": "repair, handyman, maintenance, fix, workshop, tools, toolbox, service center, diy",
    "wrench": "wrench, spanner, auto repair",
    "screwdriver": "screwdriver",
    "saw-blade": "sawmill, woodwork, woodworking, saw",
    "hard-hat": "construction, builder, contractor, building company, engineering firm",
    "wall": "brick, mason, masonry, wall",
    "format-paint": "paint roller, decorator, house painter, painting service",
    "broom": "broom, cleaning, cleaner, maid, housekeeping, janitor",
    "spray-bottle": "spray, disinfect",
    "washing-machine": "washing, laundromat",
    "shovel": "shovel, landscaping, digging",
    "watering-can": "watering can, watering",
    "pickaxe": "pickaxe, mining, miner, mine, quarry",
    "cog": "engineering, engineer, machine, machinery, mechanical, gear, cog, clockwork",
    "piston": "piston, engine",
    "pipe-wrench": "pipefitter, hvac",
    "faucet": "faucet, tap",
    "shower-head": "shower, bathroom",
    "bathtub": "bath, bathtub",
    "sofa": "sofa, furniture, couch, upholstery, interior design, interior",
    "chair-rolling": "chair, desk chair",
    "lamp": "lamp, lighting, light, lantern",
    "lightbulb-on": "idea, lightbulb, light bulb, invention, innovation, innovative, inspiration, bright idea",
    "candle": "candle",
    "fireplace": "fireplace, hearth, stove",
    "key-variant": "key, locksmith, key holder",
    "lock": "lock, security, secure, padlock, privacy, encryption, cybersecurity, cyber, vault, password",
    "shield-check": "insurance, safeguard, protection, guard, protect",
    "police-badge": "police, sheriff, officer",
    "handshake": "partnership, handshake, agreement, consulting, consultant, deal, partner, negotiation",
    "account-group": "community, team, group, people, crowd, social club, meetup",
    "charity": "charity, donation, nonprofit, non profit, volunteer, foundation",
    "hand-heart": "care, caring, caregiver, kindness, hospice, support group",
    "baby-carriage": "baby, nursery school, infant, maternity, midwife, stroller, toddler, newborn",
    "teddy-bear": "toy, teddy, kids, kid, children, child, daycare, childcare, kindergarten, preschool, playroom",
    "human-male-female-child": "family",
    "piggy-bank": "savings, piggy bank, budget",
    "finance": "investment, invest, trading, trader, stock, stocks, wealth, capital, hedge fund, fintech, analytics",
    "chart-pie": "statistics, accounting, accountant, data, tax, audit, bookkeeping",
    "cash": "cash, money, payment, loan, lending, payroll",
    "gold": "gold bar, bullion",
    "hand-coin": "coin, crypto wallet, mint",
    "briefcase": "business, briefcase, recruiter, recruiting, job, career, staffing, hr",
    "bullhorn": "marketing, advertising, megaphone, campaign, pr agency, promotion",
    "bullseye-arrow": "target, goal, focus, strategy, bullseye",
    "trophy": "trophy, champion, championship, winner, cup final, league, tournament",
    "medal": "medal, award, prize",
    "crown": (
        "crown, king, queen, royal, royalty, regal, prince, princess, imperial, 皇冠, corona, couronne, krone, корона"
    ),
    "flag": "flag, banner",
    "vote": "vote, election",
    "peace": "peace",
    "recycle": "recycle, recycling, zero waste, circular economy",
    "trash-can": "trash, waste, garbage",
    "package-variant": "package, parcel, packaging, box, subscription box, fulfillment",
    "gift": "gift, present, souvenir",
    "cart": "cart, ecommerce, e commerce, online shop, online store, shopping",
    "shopping": "bag, shopping bag, handbag, tote",
    "basket": "basket",
    "tag": "price tag, coupon, bargain, discount",
    # arts, media, learning
    "book-open-variant": (
        "book, bookstore, bookshop, library, reading, novel, author, literature, literary, publisher, "
        "publishing, story, bible, 书, 書, 本, libro, livre, buch, книга, كتاب"
    ),
    "bookshelf": "bookshelf",
    "newspaper-variant": "newspaper, news, gazette, journalism, press",
    "fountain-pen-tip": (
        "writer, pen, calligraphy, copywriter, writing, blog, blogger, poet, poetry, poem, signature, ink"
    ),
    "pencil": "pencil, draw, drawing, sketch, illustrator, stationery",
    "brush": "artist, brush, paintbrush, painter, painting",
    "palette": "art, palette, arts, gallery, studio art, creative, color, colour, designer, crafts, graphic design",
    "format-color-fill": "paint, dye",
    "draw": "doodle",
    "printer": "printer, printing, print shop",
    "camera": "camera, photo, photography, photographer, picture, portrait, 相机, 摄影, cámara, foto, фото",
    "camera-iris": "aperture, lens",
    "video": "video, videographer, vlog, streaming",
    "movie-open": "film, movie, cinema, filmmaker, director, hollywood, studio film, 电影, cine, кино",
    "filmstrip": "filmstrip",
    "drama-masks": "drama, comedy, acting, actor, opera, improv, mask",
    "microphone": "microphone, podcast, karaoke, singer, radio, voice, singing, comedian",
    "music-clef-treble": "orchestra, symphony, choir, composer, classical, conservatory, concert",
    "music": (
        "music, song, melody, band, jazz, dj, musician, sound, record label, 音乐, 音楽, música, musique, musik, "
        "музыка, موسيقى"
    ),
    "guitar-acoustic": "guitar, ukulele, folk music, guitarist",
    "guitar-electric": "rock band, electric guitar, rock",
    "piano": "piano, keyboard, pianist",
    "violin": "violin, cello, fiddle, string quartet",
    "saxophone": "saxophone, sax",
    "trumpet": "trumpet, brass",
    "album": "vinyl, record, record store, album",
    "headphones": "headphone, audio, listening, earphones",
    "television-classic": "tv, television, retro tv",
    "radio": "radio station, broadcast",
    "dance-ballroom": "dance, dancing, tango, salsa dance, ballroom",
    "shoe-ballet": "ballet, ballerina",
    "balloon": "balloon, party balloon",
    "party-popper": "party, celebration, event, festival, confetti, event planner",
    "firework": "firework",
    "magic-staff": "magic wand, wand, sorcerer",
    "wizard-hat": "wizard, magic, magician, witch, sorcery",
    "crystal-ball": "fortune, psychic, tarot, oracle, astrology, mystic",
    "cards-playing-spade": "poker, casino, blackjack, playing cards, card",
    "dice-5": "dice, board game, tabletop, boardgame",
    "chess-knight": "chess, knight",
    "chess-rook": "rook",
    "puzzle": "puzzle, jigsaw",
    "gamepad-variant": (
        "game, gaming, gamer, video game, esports, arcade, console, 游戏, ゲーム, juego, jeu, spiel, игра"
    ),
    "ghost": "ghost, spooky, haunted",
    "skull": "skull, skeleton",
    "pirate": "pirate, buccaneer",
    "ninja": "ninja",
    "sword-cross": "swords, sword, warrior, battle, fencing, gladiator, viking",
    "axe": "axe, lumberjack, axe throwing",
    "bow-arrow": "archery, archer, bow, arrow, hunter, hunting",
    "treasure-chest": "treasure, chest",
    "globe-model": "geography, language school, translation",
    "abacus": "math, mathematics, abacus, tutoring, tutor",
    "ruler-square-compass": "drafting, blueprint, geometry",
    "clock": "clock, time, hour, clockmaker, punctual",
    "timer-sand": "hourglass, patience",
    "bell": "bell, alarm, reminder",
    # technology
    "robot": "robot, robotics, bot, automation, android robot, chatbot, 机器人, ロボット, робот, روبوت",
    "laptop": "laptop, computer, software, notebook computer, remote work, saas",
    "code-braces": (
        "code, coding, programming, programmer, developer, web development, hackathon, open source, hacker"
    ),
    "console": "terminal, command line, devops",
    "chip": "chip, hardware, semiconductor, processor, electronics, technology, tech, computing",
    "server": "server, hosting, datacenter, data center",
    "database": "database",
    "cellphone": "phone, smartphone, mobile, telephone, app",
    "wifi": "wifi, internet, wireless, telecom, broadband",
    "chat": "chat, message, messenger, conversation, talk, forum",
    "email": "email, mail, letter, newsletter, post",
    "magnify": "search, find, investigator",
    "magnet": "magnet",
    "battery-charging": "battery, charger",
    "solar-panel": "solar panel, photovoltaic",
    "infinity": "infinity, infinite, endless, forever",
    "cube": "cube, block, blockchain, 3d printing, container",
    "printer-3d": "3d printer",
    "hexagon-multiple": "honeycomb",
    "calculator": "calculator",
    "virtual-reality": "virtual reality, vr, metaverse",
    "alien": "alien, extraterrestrial",
    # sport and body
    "yoga": "yoga, pilates, stretching, asana, 瑜伽",
    "meditation": "meditation, mindfulness, mindful, calm, guru",
    "dumbbell": "gym, fitness, workout, crossfit, personal trainer, exercise, bodybuilding, strength, trainer, 健身",
    "weight-lifter": "weightlifting, weight lifter, powerlifting",
    "kettlebell": "kettlebell",
    "run-fast": "running, runner, run, marathon, jogging, sprint, athletics, track club",
    "walk": "walking, walk, walker",
    "hiking": "hiking, hiker, trekking, trek, trail, outdoor, outdoors, backpacking",
    "swim": "swimming, swim, swimmer, pool",
    "surfing": "surfing, surfer, surfboard",
    "kitesurfing": "kitesurfing, windsurfing",
    "diving-scuba-mask": "scuba, diving, snorkel, diver, dive",
    "ski": "skiing, ski, skier, ski resort",
    "snowboard": "snowboard, snowboarding",
    "skate": "skating, ice skating, skater",
    "skateboard": "skateboard, skateboarding, skate park",
    "soccer": "soccer, football club, soccer club, futbol, fútbol, 足球",
    "football": "football, rugby, touchdown",
    "basketball": "basketball, hoops, 篮球",
    "baseball": "baseball, softball",
    "baseball-bat": "baseball bat",
    "tennis": "tennis, racket, padel, pickleball, tennis club",
    "volleyball": "volleyball",
    "golf": "golf, golf club, golfer, golf course",
    "hockey-sticks": "hockey, ice hockey",
    "badminton": "badminton",
    "billiards": "billiards, snooker",
    "bowling": "bowling",
    "boxing-glove": "boxing, boxer",
    "karate": "karate, judo, martial arts, taekwondo, dojo, kung fu, jiu jitsu",
    "gymnastics": "gymnastics, acrobat, circus",
    "cricket": "cricket",
    "racing-helmet": "racing, racer, motorsport",
    "flag-checkered": "race, rally, finish line",
    "go-kart": "go kart, karting",
    "jump-rope": "jump rope",
    "carabiner": "climbing, climber, bouldering, rock climbing",
    "hook": "fishing, angler, fisherman",
    "binoculars": "binoculars, birdwatching, lookout, watchtower",
    "kite": "kite",
    "umbrella": "umbrella",
    "foot-print": "foot, footprint, podiatry, step",
    "arm-flex": "muscle, strong",
    "lungs": "lung, breath, breathing",
    "stomach": "stomach, digestion",
    "bandage": "bandage, healing, heal, recovery, physiotherapy, rehab",
    "fingerprint": "fingerprint, identity",
    "heart": "heart, love, romance, dating, valentine, passion, 爱, 愛, 心, corazón, cœur, herz, сердце, قلب",
    "yin-yang": "yin yang, balance, tao, harmony, acupuncture",
    "fleur-de-lis": "heritage, noble, scouts, french quarter",
    "horseshoe": "horseshoe, rodeo",
    "pinwheel": "pinwheel",
    "lava-lamp": "retro",
    "typewriter": "typewriter",
    "sunglasses": "sunglasses, cool shades",
    "umbrella-beach": "resort, beach club",
    "pier": "pier, dock, boardwalk",
    "tsunami": "tsunami",
    "weather-partly-cloudy": "weather, climate, forecast",
    "thermometer": "temperature, fever",
    "hub": "network, hub, connection, connect",
    "sitemap": "organization",
    "family-tree": "genealogy, ancestry",
    "human-male-board": "teacher, teaching, coach, lesson, training, workshop school, classroom",
    "presentation": "conference, seminar, webinar, keynote",
    "bus-school": "school bus",
    "pencil-ruler": "design, design studio",
    "notebook": "notebook, journal, diary",
    "town-hall": "school, town hall, city hall",
}


@cache
def _index() -> dict[str, str]:
    index: dict[str, str] = {}
    for slug, words in _WORDS.items():
        for word in words.split(","):
            index.setdefault(word.strip(), slug)
    index.pop("", None)
    return index


def symbol_for(phrase: str) -> str | None:
    """The symbol of a lower-case word or phrase, also in the plural and in a few derived forms; None if unknown."""
    index = _index()
    return next((index[form] for form in _forms(phrase) if form in index), None)


def symbol_within(run: str) -> str | None:
    """The symbol of the longest known word inside a text that is written without spaces, the first of equals."""
    index = _index()
    for length in range(min(len(run), 6), 0, -1):
        for start in range(len(run) - length + 1):
            if (slug := index.get(run[start : start + length])) is not None:
                return slug
    return None


def symbols() -> frozenset[str]:
    """Every symbol that can be drawn."""
    return frozenset(_index().values())


def _forms(phrase: str) -> list[str]:
    forms = [phrase]
    if phrase.endswith("'s"):
        forms.append(phrase[:-2])
    if phrase.endswith("ies"):
        forms.append(phrase[:-3] + "y")
    if phrase.endswith("ves"):
        forms += [phrase[:-3] + "f", phrase[:-3] + "fe"]
    if phrase.endswith("es"):
        forms.append(phrase[:-2])
    if phrase.endswith("s") and not phrase.endswith("ss"):
        forms.append(phrase[:-1])
    if phrase.endswith("y"):
        forms.append(phrase[:-1])
    for suffix in ("ing", "ers", "er", "ed"):
        if phrase.endswith(suffix) and len(phrase) > len(suffix) + 2:
            stem = phrase.removesuffix(suffix)
            forms += [stem, stem + "e"]
            if stem[-1] == stem[-2]:
                forms.append(stem[:-1])
    return forms
