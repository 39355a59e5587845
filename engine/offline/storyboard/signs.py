"""What stands and happens in a place tells which one it is, in English, German and French."""

from collections import Counter
from collections.abc import Iterable

# So many different signs speak for a place.
_ENOUGH = 2

_SIGNS = {
    "the kitchen": """
        kitchen stove oven sauce saucepan pan pot sink dough flour cook cooked cooking recipe apron onion onions parsley
        garlic ladle kettle simmered küche herd topf pfanne teig cuisine casserole marmite farine
    """,
    "the spaceship": """
        spaceship spacecraft starship airlock cockpit orbit orbiting thruster thrusters hull spacesuit suited visor
        reactor asteroid pilot copilot intercom hatch wreck planet raumschiff luftschleuse cosmonaute fusée
    """,
    "the ship": """
        ship deck mast sail sails rigging helm crew bosun anchor oars stern schooner captain schiff segel navire voile
        pont
    """,
    "the classroom": "classroom blackboard pupil pupils teacher lesson homework klasse tafel lehrer élève élèves",
    "the stage": "stage curtain audience rehearsal backstage footlights spotlight scenery props bühne vorhang théâtre",
    "the office": "office desk printer photocopier photocopying lift meeting computer keyboard colleague büro bureau",
    "the shop": "shop counter till customer customers shelves shopkeeper laden kunden magasin boutique",
    "the hospital": "hospital ward nurse surgeon bandage patient patients krankenhaus hôpital infirmière",
    "the street": "street pavement traffic kerb taxi lamppost gutter straße strasse rue trottoir",
    "the forest": "forest trees branches moss undergrowth pines oaks wald bäume forêt arbres",
    "the field": "field meadow grass hay sheep cattle fence feld wiese schafe champ pré",
    "the beach": "beach sand waves shells dunes strand plage sable",
    "the harbour": "harbour harbor quay boats nets gulls pier hafen boote quai mouettes",
    "the tavern": "tavern inn saloon ale barrel bartender landlady landlord taproom wirtshaus auberge",
    "the bedroom": "bedroom bed pillow blanket blankets mattress quilt bett kissen oreiller",
    "the living room": "sofa armchair carpet fireplace hearth mantelpiece parlour wohnzimmer salon fauteuil",
    "the train": "train carriage compartment rails conductor zug abteil schaffner wagon",
    "the library": "library books bookshelves librarian bibliothek bibliothèque",
    "the church": "church altar pew pews priest vicar kirche église",
    "the cave": "cave stalactites tunnel cavern höhle grotte",
    "the mountain": "mountain summit peak ridge cliff ledge slope gipfel berg montagne sommet",
    "the desert": "desert dust cactus mesa canyon saddle wüste désert",
    "the courtroom": "courtroom court judge jury witness gavel gericht tribunal",
    "the castle": "castle throne king queen knight knights palace schloss könig königin château roi reine",
    "the garden": "garden flowerbed roses beds hedge spade greenhouse garten jardin fleurs",
}
_OF: dict[str, list[str]] = {}
for _place, _words in _SIGNS.items():
    for _word in _words.split():
        _OF.setdefault(_word, []).append(_place)


# Nouns of other languages, which name the place outright.
_NAMED = {
    "the kitchen": "küche cuisine",
    "the bakery": "backstube bäckerei boulangerie",
    "the shop": "laden geschäft magasin boutique",
    "the street": "straße strasse gasse rue ruelle trottoir",
    "the village": "dorf marktplatz village",
    "the yard": "hof innenhof cour",
    "the harbour": "hafen port",
    "the lighthouse": "leuchtturm phare",
    "the beach": "strand plage",
    "the forest": "wald forêt",
    "the field": "feld wiese champ champs pré",
    "the church": "kirche église",
    "the school": "schule klassenzimmer école",
    "the station": "bahnhof gare",
    "the bedroom": "schlafzimmer chambre",
    "the room": "zimmer stube pièce",
    "the garden": "garten jardin",
    "the castle": "schloss burg château",
    "the mountain": "berg montagne",
    "the office": "büro bureau",
}
_BY_NAME = {word: place for place, words in _NAMED.items() for word in words.split()}


def place_by_name(words: Iterable[str]) -> str:
    """The first place that a word of another language names."""
    return next((_BY_NAME[word] for word in words if word in _BY_NAME), "")


def place_by_signs(words: Iterable[str]) -> str:
    """The place that the most different words speak for; nothing where they are too few."""
    signs = Counter(place for word in set(words) for place in _OF.get(word, ()))
    # Of as many, the one that is listed first: the order of the words must not decide.
    best = max(_SIGNS, key=lambda place: signs[place])
    return best if signs[best] >= _ENOUGH else ""
