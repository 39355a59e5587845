"""Words for how people look: colours, hair, eyes and garments, in English, German and French.

Short lists on purpose: words outside them are not judged.
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLOURS = _words("""
red blue green yellow orange purple violet pink brown black white grey gray silver golden gold crimson scarlet navy teal
turquoise ochre olive copper auburn chestnut blond blonde ginger indigo amber cream beige mustard maroon burgundy khaki
rot rote roten roter rotes blau blaue blauen blauer blaues grün grüne grünen grüner grünes gelb gelbe gelben gelber
gelbes schwarz schwarze schwarzen schwarzer schwarzes weiß weiße weißen weißer weißes braun braune braunen brauner
braunes grau graue grauen grauer graues blonde blonden
rouge rouges bleu bleue bleus bleues vert verte jaune jaunes noir noire noirs noires blanc blanche brun brune gris grise
roux rousse
""")
# Different words for one colour of hair or cloth.
SAME_COLOURS = (
    _words("grey gray silver"),
    _words("blond blonde golden gold"),
    _words("red ginger auburn copper"),
    _words("brown chestnut auburn"),
    _words("red crimson scarlet"),
    _words("blue navy indigo"),
    _words("yellow mustard ochre gold golden"),
    _words("green olive"),
    _words("teal turquoise"),
    _words("purple violet"),
    _words("white cream"),
    _words("red maroon burgundy"),
)

HAIR = _words("hair braid braids plait plaits curls beard moustache mustache ponytail fringe bun locks")
EYES = _words("eyes eye")

# Garments that may be the only visible clothes.
GARMENTS = _words("""
coat overcoat raincoat greatcoat jacket cloak cape dress gown nightgown nightdress nightshirt pyjamas pajamas robe
robes dressing-gown bathrobe uniform suit tuxedo overalls oilskin oilskins tunic jumper sweater pullover hoodie cardigan
shirt t-shirt blouse apron costume kimono armour armor cassock skirt trousers jeans shorts swimsuit wetsuit spacesuit
parka anorak mackintosh frock smock sari toga dungarees tracksuit waistcoat
mantel regenmantel jacke kleid nachthemd schlafanzug uniform anzug bademantel umhang schürze pullover hemd
manteau imperméable veste robe chemise pyjama uniforme costume tablier ciré
""")
# Accessories: alone they are no change of clothes.
ACCESSORIES = _words("""
hat cap scarf shawl gloves mittens boots shoes slippers belt tie helmet hood bonnet socks stockings mask sou'wester
hut mütze schal handschuhe stiefel schuhe chapeau casquette écharpe gants bottes
""")
_ARTICLES = _words("""
a an the her his their my our your its
ein eine einen einem einer der die das den dem ihr ihre ihren ihrem sein seine seinen seinem
un une des le la les son sa ses mon ma mes
""")
_WORD = re.compile(r"[^\W\d_][\w’'-]*")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; hyphenated words are one."""
    return [word.rstrip("’'-") for word in _WORD.findall(text.lower())]


def telling(text: str) -> list[str]:
    """The words of a text without articles and possessives."""
    return [word for word in words_of(text) if word not in _ARTICLES]


def colours_in(text: str) -> list[str]:
    """The colours that a text names, in order, each once."""
    return list(dict.fromkeys(word for word in words_of(text) if word in COLOURS))


def same_colour(one: str, other: str) -> bool:
    """Whether two words may mean the same colour."""
    return one == other or any({one, other} <= alike for alike in SAME_COLOURS)
