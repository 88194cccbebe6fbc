# ruff: noqa: RUF001, E501 - words of many scripts: Cyrillic letters look like Latin ones, and ideographs count twice
"""Everyday nouns and the symbols that stand for them.

Only symbols listed here are ever drawn. The icon set also holds interface signs ("check", "menu") and a few marks of
companies and films; a sample logo must show neither, so nothing is looked up by its name alone. A word is listed only
where the symbol shows that thing, or a kind of it: an octopus is no jellyfish.
"""

from __future__ import annotations

from functools import cache

# symbol: the words and phrases it stands for, or its own name alone. The first symbol that claims a word keeps it.
_WORDS = """
panda: panda, 熊猫, 熊貓, パンダ, oso panda; fox: fox, vixen, 狐狸, キツネ, zorro, renard, fuchs, лиса; bear: bear, grizzly, 熊, oso, bär, медведь; lion: lion, lioness, león, löwe, 狮子, 獅子, ライオン, лев, أسد; cat:
cat, kitten, kitty, feline, 猫, 貓, ねこ, gato, chat noir, katze, кот, кошка, قطة; dog: dog, puppy, pup, canine, hound, terrier, labrador, bulldog, 狗, 犬, いぬ, perro, chien, hund, собака, كلب; elephant:
elephant, 大象, elefante, слон; koala; owl: owl, 猫头鹰, búho, hibou, eule, сова; rabbit: rabbit, bunny, hare, 兔子, conejo, lapin, hase, кролик; horse: horse, pony, stallion, mustang, equestrian, 马, 馬,
caballo, cheval, pferd, лошадь, حصان; cow: cow, cattle, dairy, ranch; pig: pig, piglet, hog, boar, pork; sheep: sheep, lamb, wool; penguin: penguin, 企鹅; bird: bird, swallow, sparrow, robin, hawk,
falcon, eagle, dove, pigeon, raven, crow, hummingbird, parrot, finch, 鸟, 鳥, pájaro, oiseau, vogel, птица, طائر; duck: duck, duckling; turkey: turkey, thanksgiving; fish: fish, salmon, tuna, trout,
seafood, fishery, fishmonger, aquarium, 鱼, 魚, pescado, poisson, fisch, рыба, سمك; dolphin; shark; jellyfish: jellyfish, medusa; turtle; tortoise; snake: snake, serpent, python, cobra, viper; snail;
bee: bee, hive, honey, apiary, 蜜蜂; butterfly: butterfly, 蝴蝶, mariposa, papillon, schmetterling; ladybug: ladybug, ladybird; spider: spider, tarantula; kangaroo; donkey; unicorn; rodent: rat, mouse,
mice, rodent; paw: pet, paw, vet, veterinarian, veterinary, grooming, kennel; bone; feather: feather, plume, quill; egg: egg, eggs; leaf: leaf, leaves, leafy, botanical, foliage, 叶, hoja, feuille,
blatt; leaf-maple: maple, autumn, canada; tree: tree, oak, orchard, arborist, elm, ash tree, 树, 樹, árbol, arbre, baum, дерево, شجرة; pine-tree: pine, fir, spruce, cedar, evergreen, forest, woods,
woodland, timber, lumber, christmas tree, 森林, bosque, forêt, wald, лес; palm-tree: palm, coconut, oasis; flower: flower, florist, floral, blossom, bloom, daisy, petal, bouquet, 花, flor, fleur, blume,
цветок, زهرة; flower-tulip: tulip; flower-poppy: poppy; spa: lotus, spa, aromatherapy; sprout: sprout, seedling, plant, garden, gardening, gardener; seed; clover: clover, shamrock; cactus: cactus,
desert, succulent, cacti; mushroom: mushroom, fungi, fungus, truffle; grass: grass, lawn, meadow, prairie; barley: barley, wheat, grain, rye, oat; corn: corn, maize; hops; mountain: mountain, alpine,
alps, summit, hill, everest, sierra, 山, montaña, montagne, berg, гора, جبل; volcano: volcano, lava; island: island, isle; beach: beach, seaside, coast, shore; waves: sea, wave, ocean, tide, surf,
river, lake, marina, 海, mar, mer, meer, море, بحر; water: water, droplet, plumber, plumbing, 水, agua, eau, wasser, вода, ماء; waterfall; fire: fire, flame, ember, 火, fuego, feu, feuer, огонь;
campfire: campfire, bonfire, camp, camping; tent: tent, camp site, campground, glamping; snowflake: snow, snowflake, ice, frost, winter, arctic, 雪; white-balance-sunny: sun, sunny, summer, sunshine,
solar, 太阳, 太陽, sol, soleil, sonne, солнце, شمس; weather-sunset-up: sunrise, dawn, morning, sunset, dusk, horizon; moon-waning-crescent: moon, lunar, night, midnight, crescent, 月, luna, lune, mond,
луна, قمر; cloud: cloud, 云, 雲, nube, nuage, wolke; lightning-bolt: lightning, thunder, electrical, electrician, bolt; star: star, stellar, 星, estrella, étoile, stern, звезда, نجمة; star-shooting:
comet, meteor, shooting star; earth: earth, globe, planet earth, travel agency, 地球; orbit: orbit, cosmos, galaxy, astronomy; telescope: telescope, observatory; looks: rainbow; coffee: coffee, cafe,
café, espresso, latte, cappuccino, barista, mocha, roaster, roastery, 咖啡, コーヒー, kaffee, кофе, قهوة; tea: tea, teahouse, chai, matcha, kombucha, 茶, té, thé, tee, чай, شاي; beer: beer, brewery, brewing,
ale, lager, pub, taproom, craft beer, 啤酒, cerveza, bière, bier, пиво; glass-wine: wine, vineyard, winery, sommelier, merlot, 葡萄酒, 酒, vino, wein, вино; glass-cocktail: cocktail, bar, martini, mixology,
gin, lounge, nightclub; bottle-wine: bottle, liquor; cup: smoothie, juice, soda, lemonade; baguette: bakery, baker, bread, baguette, boulangerie, loaf, sourdough, crumb, 面包, 麵包, パン, panadería,
bäckerei, хлеб, خبز; food-croissant: croissant, pastry, patisserie, pâtisserie, viennoiserie, brioche; bread-slice: toast, sandwich, deli; cupcake: cupcake, muffin, dessert, sweets, frosting;
cake-variant: cake, birthday, wedding cake, 蛋糕, gâteau, kuchen; cookie: cookie, biscuit; candy: candy, sweet shop, confectionery, lollipop; ice-cream: ice cream, gelato, sorbet, icecream, gelateria,
sundae, 冰淇淋, helado, glace, eis; ice-pop: popsicle; pizza: pizza, pizzeria, 披萨, пицца, بيتزا; hamburger: burger, hamburger, 汉堡; food-hot-dog: hot dog, hotdog; french-fries: fries; taco: taco,
taqueria; noodles: noodle, ramen, pho, udon, 麺, ラーメン; pasta: pasta, spaghetti, trattoria; rice: rice, 米; bowl-mix: salad, bowl, poke bowl, granola, cereal; pot-steam: soup, stew, kitchen, broth,
cuisine; silverware-fork-knife: restaurant, diner, bistro, eatery, dining, food, meal, lunch, dinner, catering, brasserie, 餐厅, 餐館, restaurante, ресторан, مطعم; chef-hat: chef, culinary, gourmet,
private chef; grill: barbecue, bbq, grill, smokehouse; food-steak: steak, steakhouse, butcher, meat, beef; food-drumstick: chicken, drumstick, poultry; cheese: cheese, fromagerie, creamery;
food-apple: apple, cider, 苹果, 蘋果, manzana, pomme, apfel, яблоко, تفاحة; fruit-cherries: cherry, cherries, fruit; fruit-citrus: citrus, lemon, lime, orange juice, grapefruit, tangerine; fruit-grapes:
grape, vine; fruit-pear: pear; fruit-pineapple: pineapple; fruit-watermelon: watermelon, melon; carrot: carrot, vegetable, veggie, farmers market, grocer, greengrocer; chili-hot: chili, pepper, curry,
salsa; pumpkin: pumpkin, squash; peanut; pretzel; popcorn; kettle: kettle, teapot; home-variant: house, home, real estate, realtor, realty, property, housing, mortgage, residence, 家, 房子, casa, maison,
haus, дом, بيت; home-roof: roof, roofing, roofer; office-building: office, building, skyscraper, coworking, headquarter, architect, architecture, condo, apartment; castle: castle, fortress, palace,
citadel, 城堡, château, schloss, замок; lighthouse: lighthouse, beacon, 灯塔, faro, phare, leuchtturm, маяк; barn: barn, farm, farmhouse, homestead, farmer, agriculture, 农场, granja, ferme, bauernhof,
ферма; factory: factory, manufacturing, manufacturer, mill; store: store, shop, market, boutique, retail, grocery, supermarket, kiosk, 店, tienda, magasin, laden, магазин, متجر; bank: bank, museum,
finance, financial, banking, treasury, parthenon, 银行, banco, банк; hospital-building: hospital; school: university, college, academy, graduate, graduation, education, diploma, 大学, universidad,
université; church: church, chapel, parish, cathedral; mosque; temple-buddhist: temple, pagoda, shrine, buddhist; bridge: bridge, 桥, puente, pont, brücke, мост; wind-turbine: windmill, wind power,
wind farm, turbine; eiffel-tower: paris, eiffel tower; pyramid: pyramid, egypt; stadium: stadium, arena; bed: bed, hotel, hostel, motel, inn, mattress, sleep, bedroom, bed and breakfast, lodge, 酒店;
cabin-a-frame: cabin, chalet, cottage, hut; fountain; theater: theater, theatre; ferris-wheel: amusement park, ferris wheel, carnival; rocket-launch: rocket, launch, startup, start up, spaceship,
spacecraft, nasa, 火箭, cohete, fusée, rakete, ракета, صاروخ; ufo: ufo, flying saucer; airplane: airplane, plane, aviation, airline, airport, travel, aircraft, 飞机, avión, avion, flugzeug, самолет;
helicopter; parachute: parachute, skydive, skydiving; airballoon: hot air balloon, balloon ride, airballoon; car: car, automobile, taxi, automotive, vehicle, dealership, garage, mechanic, driving, 汽车,
coche, voiture, авто, سيارة; truck: truck, haul, hauling, freight, delivery, courier, shipping, logistics, trucking; van-utility: van, camper, campervan, rv; bus: bus, coach tour, shuttle; train:
train, railway, railroad, metro, subway, locomotive, rail; bike: mountain bike, cycling, cyclist, biker club, velo, bmx, 自行车; bicycle: bicycle, bike, cycle, pedal, bicicleta, vélo, fahrrad, велосипед;
motorbike: motorcycle, motorbike, biker, moto; scooter: scooter, vespa; sail-boat: sailing, sailboat, boat, yacht, regatta, ship, nautical, sail, barco, bateau, schiff, корабль; ship-wheel: captain,
helm, cruise, ship wheel; anchor: anchor, maritime, harbor, harbour, sailor, 锚, ancla, ancre, anker, якорь; kayaking: kayak, kayaking, canoe, rafting, paddle; rowing: rowing, crew rowing; compass:
compass, navigation, explorer, expedition, adventure, voyage, journey, wanderlust; bag-suitcase: suitcase, luggage, baggage, tourism, tourist, vacation, holiday; tractor: tractor, farming; excavator:
excavator, demolition, earthworks; crane; fire-truck: fire truck, firefighter, fireman, fire brigade; scale-balance: law, lawyer, attorney, legal, justice, law firm, barrister, solicitor, notary,
court, 律师, 法律, abogado, avocat, anwalt, адвокат; gavel: gavel, judge, auction; tooth: dentist, dental, tooth, teeth, orthodontist, orthodontic, 牙医, 牙, dentista, dentiste, zahnarzt, стоматолог;
stethoscope: doctor, clinic, physician, medical, healthcare, pediatric, pediatrician, nurse, 医生; pill: pharmacy, pharmacist, drug store, pill, apothecary, vitamin; heart-pulse: cardiology, cardio,
health; brain: brain, psychology, psychologist, therapist, therapy, neuroscience, ai, artificial intelligence; eye: eye, optician, optometrist, optical, ophthalmology; glasses: eyewear, glasses,
spectacles, glasses shop; dna: dna, genetic, genetics, biotech, genome, biotechnology; flask: chemistry, laboratory, lab, science, flask, chemical, research, scientist, potion, alchemy; microscope:
microscope, biology, microbiology; atom: atom, physics, nuclear, quantum; content-cut: barber, scissors, haircut, hairdresser, hairdressing, tailor, barbershop, hair salon; mustache: mustache,
moustache, beard, gentleman; lipstick: lipstick, makeup, cosmetic, beauty, salon, beautician; hanger: fashion, clothing, clothes, apparel, wardrobe, outfit, laundry, dry cleaning; tshirt-crew: tshirt,
t shirt, shirt, merch; shoe-sneaker: sneaker, shoe, footwear; hat-fedora: hat, fedora, haberdashery; ring: ring, engagement, wedding, bridal, marriage, bride; diamond-stone: diamond, jewel, jeweler,
jewelry, jewellery, gem, gemstone, crystal, 钻石; watch: watch, watchmaker, wristwatch; hammer: hammer, carpenter, carpentry, blacksmith, forge; hammer-wrench: repair, handyman, maintenance, workshop,
tools, toolbox, diy; wrench: wrench, spanner, auto repair; saw-blade: sawmill, woodwork, woodworking, saw; hard-hat: construction, builder, contractor, building company, engineering firm;
format-paint: paint roller, decorator, house painter, painting service; broom: broom, cleaning, cleaner, maid, housekeeping, janitor; shovel: shovel, landscaping, digging; watering-can: watering can,
watering; pickaxe: pickaxe, mining, miner, mine, quarry; cog: engineering, engineer, machine, machinery, mechanical, gear, cog; sofa: sofa, furniture, couch, upholstery, interior design, interior;
lamp: lamp, lighting, lantern; lightbulb-on: idea, lightbulb, light bulb, innovation; candle; fireplace: fireplace, hearth, stove; key-variant: key, locksmith, key holder; lock: lock, security,
padlock, cybersecurity; shield-check: insurance; baby-carriage: baby, nursery school, infant, maternity, midwife, stroller, toddler, newborn; teddy-bear: toy, teddy, kids, kid, children, child,
daycare, childcare, kindergarten, preschool, playroom; piggy-bank: savings, piggy bank, budget; finance: investment, invest, trading, trader, stock, stocks, hedge fund, fintech, analytics; trophy:
trophy, champion, championship, winner, league, tournament; medal: medal, award, prize; crown: crown, king, queen, royal, royalty, regal, prince, princess, imperial, 皇冠, corona, couronne, krone,
корона; flag: flag, banner; peace; recycle: recycle, recycling, zero waste, circular economy; gift: gift, souvenir; basket; book-open-variant: book, bookstore, bookshop, library, reading, novel,
author, literature, literary, publisher, publishing, bible, 书, 書, libro, livre, buch, книга, كتاب; fountain-pen-tip: writer, pen, calligraphy, copywriter, writing, blog, blogger, poet, poetry, poem;
pencil: pencil, drawing, sketch, illustrator, stationery; brush: artist, brush, paintbrush, painter, painting; palette: art, palette, arts, gallery, studio art, designer, crafts, graphic design;
camera: camera, photo, photography, photographer, portrait, 相机, 摄影, cámara, foto, фото; video: video, videographer, vlog, streaming; movie-open: film, movie, cinema, filmmaker, hollywood, 电影, cine,
кино; drama-masks: comedy, actor, opera, improv; microphone: microphone, podcast, karaoke, singer, radio, singing, comedian; music-clef-treble: orchestra, symphony, choir, composer, classical,
conservatory, concert; music: music, song, melody, jazz, dj, musician, record label, 音乐, 音楽, música, musique, musik, музыка, موسيقى; guitar-acoustic: guitar, folk music, guitarist; guitar-electric:
rock band, electric guitar; piano: piano, keyboard, pianist; violin: violin, string quartet; saxophone: saxophone, sax; trumpet; album: vinyl, album; headphones: headphone, audio, listening,
earphones; dance-ballroom: dance, dancing, tango, ballroom; shoe-ballet: ballet, ballerina; balloon: balloon, party balloon; firework; wizard-hat: wizard, magician, witch, sorcery; crystal-ball:
fortune, psychic, tarot, oracle, astrology, mystic; cards-playing-spade: poker, casino, blackjack, playing cards; dice-5: dice, tabletop, boardgame; chess-knight: chess, knight; puzzle: puzzle,
jigsaw; gamepad-variant: game, gaming, gamer, video game, esports, arcade, 游戏, ゲーム, juego, jeu, spiel, игра; ghost: ghost, spooky, haunted; skull: skull, skeleton; pirate: pirate, buccaneer;
sword-cross: swords, sword, warrior, fencing; axe: axe, lumberjack, axe throwing; bow-arrow: archery, archer, arrow; treasure-chest: treasure; clock: clock, clockmaker; bell: bell, alarm; robot:
robot, robotics, bot, automation, android robot, chatbot, 机器人, ロボット, робот, روبوت; laptop: laptop, computer, software, notebook computer, remote work, saas; code-braces: code, coding, programming,
programmer, developer, web development, hackathon, open source, hacker; chip: chip, hardware, semiconductor, processor, electronics, technology, tech, computing; cellphone: phone, smartphone,
telephone, app; solar-panel: solar panel, photovoltaic; alien: alien, extraterrestrial; yoga: yoga, pilates, stretching, asana, 瑜伽; meditation: meditation, mindfulness, mindful, guru; dumbbell: gym,
fitness, workout, crossfit, personal trainer, exercise, bodybuilding, strength, 健身; kettlebell; run-fast: running, runner, marathon, jogging, track club; hiking: hiking, hiker, trekking, trek, trail,
backpacking; swim: swimming, swim, swimmer; surfing: surfing, surfer, surfboard; ski: skiing, ski, skier, ski resort; snowboard: snowboard, snowboarding; skate: skating, ice skating, skater;
skateboard: skateboard, skateboarding, skate park; soccer: soccer, football club, soccer club, futbol, fútbol, 足球; football: football, touchdown; basketball: basketball, hoops, 篮球; baseball: baseball,
softball; tennis: tennis, racket, tennis club; volleyball; golf: golf, golf club, golfer, golf course; hockey-sticks: hockey, ice hockey; bowling; boxing-glove: boxing, boxer; karate: karate, judo,
martial arts, taekwondo, dojo, kung fu, jiu jitsu; flag-checkered: race, rally, finish line; hook: fishing, angler, fisherman; binoculars: binoculars, birdwatching, lookout, watchtower; kite;
umbrella; heart: heart, love, romance, dating, valentine, 爱, 愛, 心, corazón, cœur, herz, сердце, قلب; yin-yang: yin yang, tao, harmony, acupuncture; typewriter; pencil-ruler: design, design studio
"""
_GLUE = frozenset("のと和的与及がをにはで店屋堂館一个只個匹小大お")
"""What stands between words of scripts without spaces."""


@cache
def _index() -> dict[str, str]:
    index: dict[str, str] = {}
    for row in _WORDS.replace("\n", " ").split(";"):
        slug, _, words = row.strip().partition(": ")
        for word in (words or slug).split(", "):
            index.setdefault(word.strip(), slug)
    return index


def symbol_for(phrase: str) -> str | None:
    """The symbol of a whole word or phrase in lower case, also in the plural; None if unknown."""
    index = _index()
    forms = [phrase, phrase.removesuffix("'s")]
    forms += [phrase[:-3] + end for end in ("f", "fe") if phrase.endswith("ves")]
    forms += [phrase[:-3] + "y"] * phrase.endswith("ies") + [phrase[:-2]] * phrase.endswith("es")
    forms += [phrase[:-1]] * (phrase.endswith("s") and not phrase.endswith("ss"))
    return next((index[form] for form in forms if form in index), None)


def symbols_within(run: str) -> list[str]:
    """The symbols of the words in a text without spaces, in its order; a single character counts only as a word.

    It is one where everything around it is known too: the 水 of 水果 means no water.
    """
    index = _index()
    found: list[tuple[int, str]] = []
    complete = True
    at = 0
    while at < len(run):
        length = next((length for length in range(6, 0, -1) if run[at : at + length] in index), 0)
        if length:
            found.append((len(run[at : at + length]), index[run[at : at + length]]))
        elif run[at] not in _GLUE:
            complete = False
        at += max(length, 1)
    return [slug for length, slug in found if complete or length > 1]


def symbols() -> frozenset[str]:
    """Every symbol that can be drawn."""
    return frozenset(_index().values())
